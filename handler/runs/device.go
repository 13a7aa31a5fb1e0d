package runs

import (
	"context"
	"fmt"
	"iter"
	"math"
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
	Device string    `param:"device" json:"-"`
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
	mostSpan    = 366 * 24 * time.Hour
)

// Device returns what a device measured, and what its jobs came to.
func (a *API) Device(ctx context.Context, req DeviceRequest) (Device, error) {
	to, err := a.end(ctx, req.To)
	if err != nil {
		return Device{}, err
	}
	from := req.From.UTC().Truncate(time.Second)
	if req.From.IsZero() {
		usual, err := a.usual(ctx, to)
		if err != nil {
			return Device{}, err
		}
		from = to.Add(-spans[usual].length)
	}
	w, err := fleet.NewWindow(from, to)
	if err != nil {
		return Device{}, err
	}
	if to.Sub(from) > mostSpan {
		return Device{}, fmt.Errorf("%w: from %s to %s is more than a year", fleet.ErrInvalid, from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	names, err := a.Readings.DeviceSensors(ctx, req.Device)
	if err != nil {
		return Device{}, err
	}
	if len(names) == 0 {
		return Device{}, fmt.Errorf("device %q: %w: no sensor of it has sent a reading", req.Device, fleet.ErrNotFound)
	}
	d := Device{Device: req.Device, From: from, To: to}
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
	return d, nil
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
	piece := max(1, int64(math.Ceil(float64(w.To.Sub(w.From).Milliseconds())/mostPoints)))
	begin := int64(fleet.MillisOf(w.From))
	for r, err := range a.Readings.Readings(ctx, ids, w) {
		if err != nil {
			return nil, err
		}
		s := &all[index[r.ID.Sensor]]
		s.Readings++
		at := fleet.Millis(begin + (int64(r.Time)-begin)/piece*piece).Time()
		if n := len(s.Points); n == 0 || !s.Points[n-1].At.Equal(at) {
			s.Points = append(s.Points, Point{At: at, Min: r.Value, Max: r.Value})
		}
		p := &s.Points[len(s.Points)-1]
		p.Readings++
		p.Min, p.Max = min(p.Min, r.Value), max(p.Max, r.Value)
	}
	return all, nil
}
