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
}

// Device is a device over a span of time.
type Device struct {
	Device  string    `json:"device"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Sensors []Series  `json:"sensors"`
	// Jobs are those of the span, the newest window first.
	Jobs []Job `json:"jobs"`
	Left bool  `json:"left,omitempty"` // there are more jobs than are listed
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
}

// Series is what a sensor measured, thinned to at most [mostPoints] points.
type Series struct {
	Sensor   string  `json:"sensor"`
	Readings int     `json:"readings"`
	Points   []Point `json:"points"` // in the order of time; none where there was no reading
}

// Point is the least and the greatest value of a piece of time.
type Point struct {
	At       time.Time `json:"at"` // where the piece begins
	Readings int       `json:"readings"`
	Min      float64   `json:"min"`
	Max      float64   `json:"max"`
}

const (
	mostPoints  = 400
	mostSensors = 200 // of a device, in one answer
	mostJobs    = 2000
)

// Device returns what a device measured, and what its jobs came to.
func (a *API) Device(ctx context.Context, req DeviceRequest) (Device, error) {
	w, err := a.span(ctx, req.From, req.To)
	if err != nil {
		return Device{}, err
	}
	names, err := a.Readings.DeviceSensors(ctx, req.Device)
	if err != nil {
		return Device{}, err
	}
	if len(names) == 0 {
		return Device{}, fmt.Errorf("device %q: %w: no sensor of it has sent a reading", req.Device, fleet.ErrNotFound)
	}
	d := Device{Device: req.Device, From: w.From, To: w.To}
	if d.Sensors, err = a.series(ctx, req.Device, names[:min(len(names), mostSensors)], w); err != nil {
		return Device{}, err
	}
	jobs, err := a.Overview.DeviceJobs(ctx, req.Device, w, mostJobs)
	if err != nil {
		return Device{}, err
	}
	d.Left = len(jobs) == mostJobs
	d.Jobs = make([]Job, len(jobs))
	for i, j := range jobs {
		d.Jobs[i] = newJob(j)
	}
	return d, a.mark(ctx, &d, w)
}

// mark adds the anomalies of a device.
func (a *API) mark(ctx context.Context, d *Device, w fleet.Window) error {
	runs, err := a.runsOf(ctx, w)
	if err != nil {
		return err
	}
	count := make(map[string]bool, len(runs))
	for _, r := range runs {
		count[r.ID] = true
	}
	jobs, err := a.Overview.DeviceAnomalies(ctx, d.Device, w, mostJobs)
	if err != nil {
		return err
	}
	d.Left = d.Left || len(jobs) == mostJobs
	type key struct {
		name string
		at   fleet.Millis
	}
	d.Anomalies = []AnomalousPiece{}
	index := map[key]int{}
	piece := newPieces(w)
	for _, j := range jobs {
		if !count[j.Run] {
			continue
		}
		rows, err := j.Kept.List()
		if err != nil {
			return fmt.Errorf("job %s of run %s: %w", j.ID, j.Run, err)
		}
		d.NotKept += j.Anomalies - len(rows)
		for _, row := range rows {
			if !w.Contains(row.Time) {
				continue
			}
			at := piece.of(row.Time)
			i, ok := index[key{j.ID.Name(), at}]
			if !ok {
				i = len(d.Anomalies)
				index[key{j.ID.Name(), at}] = i
				d.Anomalies = append(d.Anomalies, AnomalousPiece{ID: j.ID, At: at.Time()})
			}
			d.Anomalies[i].add(row)
		}
	}
	slices.SortFunc(d.Anomalies, func(x, y AnomalousPiece) int { return cmp.Or(fleet.CompareID(x.ID, y.ID), x.At.Compare(y.At)) })
	return nil
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
// greatest value are kept, so that no spike is lost.
func (a *API) series(ctx context.Context, device string, names []string, w fleet.Window) ([]Series, error) {
	all := make([]Series, len(names))
	index := map[string]int{}
	ids := make([]fleet.ID, len(names))
	for i, name := range names {
		all[i].Sensor, index[name], ids[i] = name, i, fleet.ID{Device: device, Sensor: name}
	}
	piece := newPieces(w)
	for r, err := range a.Readings.Readings(ctx, ids, w) {
		if err != nil {
			return nil, err
		}
		s := &all[index[r.ID.Sensor]]
		s.Readings++
		at := piece.of(r.Time).Time()
		if n := len(s.Points); n == 0 || !s.Points[n-1].At.Equal(at) {
			s.Points = append(s.Points, Point{At: at, Min: r.Value, Max: r.Value})
		}
		p := &s.Points[len(s.Points)-1]
		p.Readings++
		p.Min, p.Max = min(p.Min, r.Value), max(p.Max, r.Value)
	}
	return all, nil
}
