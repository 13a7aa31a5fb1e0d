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

// Readings are the sensors and their readings.
type Readings interface {
	// DeviceSensors returns the names of a device's sensors in their order, none if it has none.
	DeviceSensors(ctx context.Context, device string) ([]string, error)
	Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error]
}

// DeviceRequest asks for a device over a span of time.
type DeviceRequest struct {
	Device string    `query:"device" json:"-"`
	From   time.Time `query:"from" json:"-"` // a day before To if zero, or an hour if all runs of the day are in it
	To     time.Time `query:"to" json:"-"`   // the last window's end if zero
	Page   int       `query:"page" json:"-"` // of its sensors, from 0
}

// Device is a device over a span of time.
type Device struct {
	Device string    `json:"device"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	// Sensors are a page of its sensors, in the order of their names, and on the
	// first page then its device models, which have no readings.
	Sensors []Track `json:"sensors"`
	Total   int     `json:"total"` // sensors
	Page    int     `json:"page"`
	Pages   int     `json:"pages"`
	// Jobs are those of the span, the newest window first.
	Jobs []Job `json:"jobs"`
	Left bool  `json:"left,omitempty"` // there are more jobs than are listed
	// Unread is how many files of predictions there are beyond [mostFiles]: scores
	// are then those of the newest files alone.
	Unread int `json:"unread,omitempty"`
	// Marks are what changed in the span, in the order of time.
	Marks []Mark `json:"marks"`
	// Anomalies are the pieces of time with anomalous rows, of sensors and device
	// models by their names, each in the order of time. NotKept is how many rows more
	// are only counted; see [AnomalyList].
	Anomalies []AnomalousPiece `json:"anomalies"`
	NotKept   int              `json:"not_kept"`
}

// AnomalousPiece is a piece of time, as long as those of [Series], with its anomalous rows.
type AnomalousPiece struct {
	fleet.ID
	At        time.Time `json:"at"` // where the piece begins
	Anomalies int       `json:"anomalies"`
	// MinScore and MaxScore are absent where the model gives no scores.
	MinScore *float64 `json:"min_score,omitempty"`
	MaxScore *float64 `json:"max_score,omitempty"`
	// Value is the reading of the last of them, where rows are readings.
	Value *float64 `json:"value,omitempty"`
}

// Track is a sensor or a device model over a span of time.
type Track struct {
	Name        string  `json:"name"`
	DeviceModel bool    `json:"device_model,omitempty"`
	Readings    *Series `json:"readings,omitempty"` // of a sensor
	Model       string  `json:"model,omitempty"`    // that serves it now
	// Threshold is the score that parts anomalies from the rest, where the model is a detector.
	Threshold *float64 `json:"threshold,omitempty"`
	Score     *Series  `json:"score,omitempty"`
}

// Series is what a sensor measured, or a column of predictions, thinned to at most
// [mostPoints] points.
type Series struct {
	Name   string  `json:"name"`
	Values int     `json:"values"` // that were thinned
	Points []Point `json:"points"` // in the order of time; none where there was no value
}

// Point is the least and the greatest value of a piece of time.
type Point struct {
	At     time.Time `json:"at"` // where the piece begins
	Values int       `json:"values"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
}

const (
	mostPoints = 400
	tracksPage = 12
	mostJobs   = 2000
)

// Device returns what a device measured, and what its jobs came to.
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
	found, err := a.anomalies(ctx, req.Device, w, runs, func(fleet.ID) bool { return true })
	if err != nil {
		return Device{}, err
	}
	d.Left = d.Left || found.left
	readings, err := a.series(ctx, req.Device, names, w, found.see)
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
	return d, a.score(ctx, &d, jobs, runs, w)
}

// modelsOf returns the names of the device models that have jobs, in their order.
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

// score adds the scores and anomalies of a device's sensors and models: of the same
// number of files for each.
func (a *API) score(ctx context.Context, d *Device, jobs []fleet.Job, runs []fleet.Run, w fleet.Window) error {
	scored := withoutDoubleJobs(jobs, runs)
	for i := range d.Sensors {
		t := &d.Sensors[i]
		own := slices.DeleteFunc(slices.Clone(scored), func(j fleet.Job) bool { return j.Name() != t.Name })
		some := own[:min(len(own), mostFiles/len(d.Sensors))]
		d.Unread += len(own) - len(some)
		p, err := a.predicted(ctx, some, w, 0)
		if err != nil {
			return err
		}
		t.Score = p.score
		if len(own) > 0 {
			var portrait *Portrait
			if t.Model, portrait, err = a.portray(ctx, own[0]); err != nil {
				return err
			}
			if portrait != nil {
				t.Threshold = portrait.Threshold
			}
		}
	}
	return nil
}

// found are the anomalies of a device's subjects in a span.
type found struct {
	window  fleet.Window
	pieces  []AnomalousPiece
	index   map[piece]int
	times   map[string]map[fleet.Millis]bool // of rows, by sensor
	notKept int
	left    bool // there are more jobs than were looked at
}

type piece struct {
	name string
	at   fleet.Millis
}

// anomalies returns the anomalies of those subjects of a device that match.
func (a *API) anomalies(ctx context.Context, device string, w fleet.Window, runs []fleet.Run, match func(fleet.ID) bool) (*found, error) {
	counted := make(map[string]bool, len(runs))
	for _, r := range runs {
		counted[r.ID] = !r.Covered
	}
	jobs, err := a.Overview.DeviceAnomalies(ctx, device, w, mostJobs)
	if err != nil {
		return nil, err
	}
	f := &found{window: w, pieces: []AnomalousPiece{}, index: map[piece]int{}, times: map[string]map[fleet.Millis]bool{}, left: len(jobs) == mostJobs}
	for _, j := range jobs {
		if !counted[j.Run] || !match(j.ID) {
			continue
		}
		if err := f.add(j); err != nil {
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

func (f *found) add(j fleet.AnomalousJob) error {
	rows, err := j.Kept.List()
	if err != nil {
		return err
	}
	f.notKept += j.Anomalies - len(rows)
	name, cut := j.ID.Name(), newPieces(f.window)
	for _, row := range rows {
		if !f.window.Contains(row.Time) {
			continue
		}
		at := cut.of(row.Time)
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

// see notes the value of a reading that is an anomalous row.
func (f *found) see(r fleet.Reading) {
	if f.times[r.ID.Sensor][r.Time] {
		f.pieces[f.index[piece{r.ID.Sensor, newPieces(f.window).of(r.Time)}]].Value = &r.Value
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

// pieces are the equal pieces of a span, at most [mostPoints].
type pieces struct{ begin, length int64 } // milliseconds

func newPieces(w fleet.Window) pieces {
	return pieces{int64(fleet.MillisOf(w.From)), max(1, int64(math.Ceil(float64(w.To.Sub(w.From).Milliseconds())/mostPoints)))}
}

// of returns where the piece that holds t begins.
func (p pieces) of(t fleet.Millis) fleet.Millis {
	return fleet.Millis(p.begin + (int64(t)-p.begin)/p.length*p.length)
}

// series thins the readings of sensors: for each piece of time, the least and the
// greatest value are kept, so that no spike is lost. Each reading goes to see too.
func (a *API) series(ctx context.Context, device string, names []string, w fleet.Window, see func(fleet.Reading)) ([]Series, error) {
	all := make([]Series, len(names))
	index := map[string]int{}
	ids := make([]fleet.ID, len(names))
	for i, name := range names {
		all[i], index[name], ids[i] = Series{Name: name}, i, fleet.ID{Device: device, Sensor: name}
	}
	p := newPieces(w)
	for r, err := range a.Readings.Readings(ctx, ids, w) {
		if err != nil {
			return nil, err
		}
		all[index[r.ID.Sensor]].add(p.of(r.Time).Time(), r.Value)
		see(r)
	}
	return all, nil
}

// add adds a value of the piece that begins at at. Values come in the order of time.
func (s *Series) add(at time.Time, v float64) {
	s.Values++
	if n := len(s.Points); n == 0 || !s.Points[n-1].At.Equal(at) {
		s.Points = append(s.Points, Point{At: at, Min: v, Max: v})
	}
	p := &s.Points[len(s.Points)-1]
	p.Values++
	p.Min, p.Max = min(p.Min, v), max(p.Max, v)
}
