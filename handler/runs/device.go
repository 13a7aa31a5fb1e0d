package runs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Readings reads sensors and their readings.
type Readings interface {
	// DeviceSensors returns the names of a device's sensors, sorted. It is empty if the device
	// has none.
	DeviceSensors(ctx context.Context, device string) ([]string, error)
	// Readings yields the readings of sensors in w, each sensor's in the order of time.
	Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error]
	// SensorFaults counts the duplicates, conflicts and rejected readings of a sensor, in the
	// hours that begin in w.
	SensorFaults(ctx context.Context, id fleet.ID, w fleet.Window) (fleet.SensorFaults, error)
}

// DeviceRequest asks for a device over a span of time.
type DeviceRequest struct {
	Device string `query:"device" json:"-" required:"true" example:"plant1/pump-07"` // the name of the device
	// The beginning of the span. It is a day before the end if it is left out, or an hour
	// before it if all runs of that day lie in that hour.
	From time.Time `query:"from" json:"-" example:"2026-03-01T00:00:00Z"`
	// The end of the span: at most a year after its beginning. It is the end of the last
	// window if it is left out.
	To   time.Time `query:"to" json:"-" example:"2026-03-02T00:00:00Z"`
	Page int       `query:"page" json:"-" minimum:"0"` // which page of the device's sensors, 12 a page; the first is 0
}

// Device is a device over a span of time.
type Device struct {
	Device string    `json:"device"` // the name of the device
	From   time.Time `json:"from"`   // the beginning of the span
	To     time.Time `json:"to"`     // the end of the span
	// Sensors are a page of the device's sensors, in the order of their names. On the
	// first page the device models follow, which have no readings.
	Sensors []Track `json:"sensors"`
	Total   int     `json:"total"`               // how many sensors the device has
	Page    int     `json:"page"`                // which page this is; the first is 0
	Pages   int     `json:"pages"`               // how many pages there are
	Jobs    []Job   `json:"jobs"`                // the jobs of the span, those of the newest window first; at most 2,000
	Left    bool    `json:"truncated,omitempty"` // whether the span has more jobs than are listed
	// Unread is how many files of predictions were not read: the scores are then those of
	// the newest 240 files.
	Unread int    `json:"unread,omitempty"`
	Marks  []Mark `json:"marks"` // what changed in the span, in the order of time
	// Anomalies are the pieces of time with anomalous rows, by the names of the sensors
	// and device models, then in the order of time.
	Anomalies []AnomalousPiece `json:"anomalies"`
	NotKept   int              `json:"not_kept"` // how many anomalous rows more are only counted: the ledger keeps the first 1,000 of a job
}

// AnomalousPiece is a piece of time with its anomalous rows. It is as long as a piece of
// a [Series].
type AnomalousPiece struct {
	fleet.ID
	At        time.Time `json:"at"`                  // where the piece begins
	Anomalies int       `json:"anomalies"`           // how many anomalous rows it has
	MinScore  *float64  `json:"min_score,omitempty"` // the least score of these rows; left out where the model gives no scores
	MaxScore  *float64  `json:"max_score,omitempty"` // the greatest score of these rows; left out where the model gives no scores
	Value     *float64  `json:"value,omitempty"`     // the reading that the last of these rows is, in the sensor's unit; left out where rows are not single readings
}

// Track is a sensor or a device model over a span of time.
type Track struct {
	Name        string  `json:"name"`                   // the name of the sensor or device model
	DeviceModel bool    `json:"device_model,omitempty"` // whether it is a device model
	Readings    *Series `json:"readings,omitempty"`     // what the sensor measured, in its own unit
	// UsedBy are the device models that use a sensor which has no jobs of its own.
	UsedBy []string `json:"used_by,omitempty"`
	Model  string   `json:"model,omitempty"` // the model that serves it now: the name of a blob in the container models
	// Threshold is the score that parts anomalies from other rows, where the model is a
	// detector.
	Threshold *float64 `json:"threshold,omitempty"`
	Score     *Series  `json:"score,omitempty"` // the scores of its rows
	// Residual are the residuals of a regressor's rows: the measured values minus the
	// predictions.
	Residual *Series  `json:"residual,omitempty"`
	Limit    *float64 `json:"limit,omitempty"` // the largest residual, without its sign, of rows that are no anomalies
	Counted           // the rows of its jobs
}

// Series is what a sensor measured, or a column of predictions. It is thinned to at most
// 400 points, each of an equal piece of the span.
type Series struct {
	Name   string  `json:"name"`   // the name of the sensor or column
	Values int     `json:"values"` // how many values were thinned
	Points []Point `json:"points"` // the pieces that have values, in the order of time
}

// Point is the least and the greatest value of a piece of time.
type Point struct {
	At     time.Time `json:"at"`     // where the piece begins
	Values int       `json:"values"` // how many values it has
	Min    float64   `json:"min"`    // the least value
	Max    float64   `json:"max"`    // the greatest value
}

const (
	mostPoints = 400  // points of a series
	tracksPage = 12   // sensors of a page
	mostJobs   = 2000 // jobs of an answer
)

// Device returns the readings, scores, anomalies and jobs of a device over a span. The error wraps
// [fleet.ErrNotFound] if no sensor of the device has sent a reading.
func (a *API) Device(ctx context.Context, req DeviceRequest) (Device, error) {
	w, err := a.span(ctx, req.From, req.To)
	if err != nil {
		return Device{}, err
	}
	if req.Page < 0 || req.Page > maxPage {
		return Device{}, fmt.Errorf("%w: page %d lies outside 0 to %d", fleet.ErrInvalid, req.Page, maxPage)
	}
	names, err := a.Readings.DeviceSensors(ctx, req.Device)
	if err != nil {
		return Device{}, err
	}
	if len(names) == 0 {
		return Device{}, fmt.Errorf("device %q: %w: no sensor of it has sent a reading", req.Device, fleet.ErrNotFound)
	}
	d := Device{Device: req.Device, From: w.From, To: w.To, Page: req.Page, Total: len(names), Pages: (len(names) + tracksPage - 1) / tracksPage, Sensors: []Track{}}
	names = names[min(len(names), req.Page*tracksPage):min(len(names), (req.Page+1)*tracksPage)]
	jobs, err := a.Overview.DeviceJobs(ctx, req.Device, w, mostJobs)
	if err != nil {
		return Device{}, err
	}
	runs, err := a.Overview.RunsWithin(ctx, w, mostRuns)
	if err != nil {
		return Device{}, err
	}
	d.Left, d.Marks, d.Jobs = len(jobs) == mostJobs || len(runs) == mostRuns, marks(jobs, runs), make([]Job, len(jobs))
	for i, j := range jobs {
		d.Jobs[i] = newJob(j)
	}
	found, err := a.anomalies(ctx, req.Device, w, jobs, runs, func(fleet.ID) bool { return true })
	if err != nil {
		return Device{}, err
	}
	d.Left = d.Left || found.left
	readings, err := a.series(ctx, req.Device, names, w, found.addValue)
	if err != nil {
		return Device{}, err
	}
	d.Anomalies, d.NotKept = found.pieces, found.notKept
	for i, name := range names {
		d.Sensors = append(d.Sensors, Track{Name: name, Readings: &readings[i]})
	}
	for _, name := range modelsOf(jobs) {
		if req.Page == 0 {
			d.Sensors = append(d.Sensors, Track{Name: name, DeviceModel: true})
		}
	}
	users, err := a.users(ctx, jobs)
	if err != nil {
		return Device{}, err
	}
	for i := range d.Sensors {
		d.Sensors[i].UsedBy = users[d.Sensors[i].Name]
	}
	return d, a.score(ctx, &d, jobs, runs, w)
}

// modelsOf returns the names of the device models that have jobs, sorted.
func modelsOf(jobs []fleet.Job) []string {
	var names []string
	for _, j := range jobs {
		if j.DeviceModel != "" && !slices.Contains(names, j.DeviceModel) {
			names = append(names, j.DeviceModel)
		}
	}
	slices.Sort(names)
	return names
}

// users returns, by sensor, the device models that use it. Sensors that have jobs are left out. jobs
// are those of a device.
func (a *API) users(ctx context.Context, jobs []fleet.Job) (map[string][]string, error) {
	users := map[string][]string{}
	for _, name := range modelsOf(jobs) {
		newest := jobs[slices.IndexFunc(jobs, func(j fleet.Job) bool { return j.DeviceModel == name })]
		work, err := a.Overview.Work(ctx, newest.Run, []fleet.ID{newest.ID})
		if err != nil {
			return nil, err
		}
		if len(work) == 0 || work[0].Model == nil || work[0].Model.Facts == nil {
			continue
		}
		for _, sensor := range work[0].Model.Facts.Sensors {
			if !slices.Contains(users[sensor], name) {
				users[sensor] = append(users[sensor], name)
			}
		}
	}
	for _, j := range jobs {
		delete(users, j.Sensor)
	}
	return users, nil
}

// score adds the scores and thresholds of a device's sensors and models. It reads the same number
// of files for each.
func (a *API) score(ctx context.Context, d *Device, jobs []fleet.Job, runs []fleet.Run, w fleet.Window) error {
	scored := shares(jobs, runs)
	for i := range d.Sensors {
		t := &d.Sensors[i]
		own := slices.DeleteFunc(slices.Clone(scored), func(s share) bool { return s.Name() != t.Name })
		t.Counted = count(own, w)
		own = slices.DeleteFunc(own, share.hidden)
		some := own[:min(len(own), mostFiles/len(d.Sensors))]
		d.Unread += len(own) - len(some)
		p, err := a.predicted(ctx, some, w, 0)
		if err != nil {
			return err
		}
		t.Score, t.Residual = p.score, p.residual
		if len(own) > 0 {
			var portrait *Portrait
			if t.Model, portrait, err = a.servingModel(ctx, own[0].Job); err != nil {
				return err
			}
			if portrait != nil {
				t.Threshold, t.Limit = portrait.Threshold, portrait.Limit
			}
		}
	}
	return nil
}

// found are the anomalies of a device's sensors and models in a span.
type found struct {
	window  fleet.Window
	pieces  []AnomalousPiece
	index   map[piece]int                    // of pieces
	times   map[string]map[fleet.Millis]bool // the times of anomalous rows, by sensor
	notKept int                              // rows that are only counted
	left    bool                             // there are more jobs than were read
}

// piece is a piece of time of a sensor or device model.
type piece struct {
	name string
	at   fleet.Millis // where the piece begins
}

// anomalies returns the anomalies of a device's sensors and models that match. known are their jobs
// in w, or the newest of them.
func (a *API) anomalies(ctx context.Context, device string, w fleet.Window, known []fleet.Job, runs []fleet.Run, match func(fleet.ID) bool) (*found, error) {
	jobs, err := a.Overview.DeviceAnomalies(ctx, device, w, mostJobs)
	if err != nil {
		return nil, err
	}
	type key struct {
		run string
		id  fleet.ID
	}
	there := make(map[key]bool, len(known))
	for _, j := range known {
		there[key{j.Run, j.ID}] = true
	}
	known = slices.Clone(known)
	for _, j := range jobs {
		if !there[key{j.Run, j.ID}] {
			known = append(known, fleet.Job{Run: j.Run, JobKey: fleet.JobKey{ID: j.ID}, State: fleet.Scored})
		}
	}
	own := make(map[key]share, len(known))
	for _, s := range shares(known, runs) {
		own[key{s.Run, s.ID}] = s
	}
	f := &found{window: w, pieces: []AnomalousPiece{}, index: map[piece]int{}, times: map[string]map[fleet.Millis]bool{}, left: len(jobs) == mostJobs}
	for _, j := range jobs {
		s := own[key{j.Run, j.ID}]
		if s.hidden() || !match(j.ID) {
			continue
		}
		if err := f.add(j, s); err != nil {
			return nil, fmt.Errorf("job %s of run %s: %w", j.ID, j.Run, err)
		}
	}
	slices.SortFunc(f.pieces, func(x, y AnomalousPiece) int {
		return cmp.Or(fleet.CompareID(x.ID, y.ID), x.At.Compare(y.At))
	})
	for i, p := range f.pieces {
		f.index[piece{p.ID.Name(), fleet.MillisOf(p.At)}] = i
	}
	return f, nil
}

// add adds the rows of a job that are shown.
func (f *found) add(j fleet.AnomalousJob, s share) error {
	rows, err := j.Kept.List()
	if err != nil {
		return err
	}
	f.notKept += j.Anomalies - len(rows)
	name, cut := j.ID.Name(), newPieces(f.window)
	for _, row := range rows {
		if !f.window.Contains(row.Time) || !s.contains(row.Time) {
			continue
		}
		at := cut.start(row.Time)
		i, ok := f.index[piece{name, at}]
		if !ok {
			i = len(f.pieces)
			f.index[piece{name, at}] = i
			f.pieces = append(f.pieces, AnomalousPiece{ID: j.ID, At: at.Time()})
		}
		f.pieces[i].add(row)
		if j.ID.DeviceModel == "" {
			if f.times[name] == nil {
				f.times[name] = map[fleet.Millis]bool{}
			}
			f.times[name][row.Time] = true
		}
	}
	return nil
}

// addValue sets the value of a piece, if the reading r is an anomalous row.
func (f *found) addValue(r fleet.Reading) {
	if f.times[r.ID.Sensor][r.Time] {
		f.pieces[f.index[piece{r.ID.Sensor, newPieces(f.window).start(r.Time)}]].Value = &r.Value
	}
}

func (p *AnomalousPiece) add(row fleet.Anomaly) {
	p.Anomalies++
	if math.IsNaN(row.Score) {
		return
	}
	if p.MinScore == nil {
		least, greatest := row.Score, row.Score
		p.MinScore, p.MaxScore = &least, &greatest
		return
	}
	*p.MinScore, *p.MaxScore = min(*p.MinScore, row.Score), max(*p.MaxScore, row.Score)
}

// pieces divides a span into at most [mostPoints] pieces of equal length.
type pieces struct{ begin, length int64 } // of the first piece, in milliseconds

func newPieces(w fleet.Window) pieces {
	return pieces{int64(fleet.MillisOf(w.From)), max(1, int64(math.Ceil(float64(w.To.Sub(w.From).Milliseconds())/mostPoints)))}
}

// start returns the beginning of the piece that t lies in.
func (p pieces) start(t fleet.Millis) fleet.Millis {
	return fleet.Millis(p.begin + (int64(t)-p.begin)/p.length*p.length)
}

// series returns the readings of sensors, thinned: each piece of time has its least and greatest
// value, so that no spike is lost. It calls see with each reading.
func (a *API) series(ctx context.Context, device string, names []string, w fleet.Window, see func(fleet.Reading)) ([]Series, error) {
	all := make([]Series, len(names))
	index := map[string]int{}
	ids := make([]fleet.ID, len(names))
	for i, name := range names {
		all[i], index[name], ids[i] = Series{Name: name, Points: []Point{}}, i, fleet.ID{Device: device, Sensor: name}
	}
	p := newPieces(w)
	for r, err := range a.Readings.Readings(ctx, ids, w) {
		if err != nil {
			return nil, err
		}
		all[index[r.ID.Sensor]].add(p.start(r.Time).Time(), r.Value)
		see(r)
	}
	return all, nil
}

// add adds a value to the piece that begins at at. Values are added in the order of time.
func (s *Series) add(at time.Time, v float64) {
	s.Values++
	if n := len(s.Points); n == 0 || !s.Points[n-1].At.Equal(at) {
		s.Points = append(s.Points, Point{At: at, Min: v, Max: v})
	}
	p := &s.Points[len(s.Points)-1]
	p.Values++
	p.Min, p.Max = min(p.Min, v), max(p.Max, v)
}
