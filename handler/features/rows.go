package features

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Rows computes the rows of a window of time while readings are added. It is not safe for
// concurrent use.
type Rows struct {
	plan     *Plan
	from, to int64
	row      func(ts fleet.Millis, x []float64) error

	now      int64    // the time of the current row
	began    bool     // now is set
	sensors  []latest // by sensor
	seen     int      // the number of sensors with a reading at now
	on       int      // the sensor whose readings make rows; −1 for all sensors
	carried  bool
	values   []float64 // of all columns of the current row
	columns  []column
	features []float64
	grid     *grid // nil without a grid
	err      error
}

// latest is the last reading of a sensor.
type latest struct {
	t     int64
	v     float64
	known bool
}

// Start begins the rows of a window. It calls row for each row, in the order of time. Row must
// not keep x. An error of row ends the computation.
//
// A row belongs to the window that contains its time. A row of a grid has the time at which
// its bucket begins, but belongs to the window in which its bucket ends.
func (p *Plan) Start(w fleet.Window, row func(ts fleet.Millis, x []float64) error) *Rows {
	r := &Rows{
		plan: p, from: int64(fleet.MillisOf(w.From)), to: int64(fleet.MillisOf(w.To)), row: row,
		sensors: make([]latest, len(p.sensors)), on: -1, carried: p.source.Carried != nil,
		features: make([]float64, len(p.out)),
	}
	base := len(p.sensors)
	if len(p.base) > 0 {
		base = len(p.base)
		r.grid = newGrid(p)
	}
	for i, name := range p.sensors {
		if name == p.source.On {
			r.on = i
		}
	}
	r.values = make([]float64, base+len(p.makers))
	for _, m := range p.makers {
		r.columns = append(r.columns, m.start())
	}
	return r
}

// Add adds a reading. Sensor is a position in [Plan.Sensors]. Readings must be added in the
// order of time; readings of different sensors at the same time may come in any order.
// Readings from the end of the window on are ignored. Of two readings of a sensor at the same
// time, the first is used.
func (r *Rows) Add(sensor int, ts fleet.Millis, v float64) error {
	t := int64(ts)
	if r.err != nil || t >= r.to {
		return r.err
	}
	if t != r.now || !r.began {
		if err := r.advance(t); err != nil {
			return err
		}
	}
	s := &r.sensors[sensor]
	if s.known && s.t == t {
		return nil
	}
	*s = latest{t, v, true}
	r.seen++
	if r.grid != nil {
		r.grid.add(sensor, v)
	}
	return nil
}

// advance completes the row before t.
func (r *Rows) advance(t int64) error {
	if r.began && t < r.now {
		r.err = fmt.Errorf("rows: a reading at %v comes after one at %v: they must come in the order of time", fleet.Millis(t), fleet.Millis(r.now))
		return r.err
	}
	if r.grid != nil {
		r.err = r.grid.advance(r, t)
	} else if r.began {
		r.err = r.complete()
	}
	r.now, r.seen, r.began = t, 0, true
	return r.err
}

// Close completes the rows of the window.
func (r *Rows) Close() error {
	switch {
	case r.err != nil || !r.began:
	case r.grid != nil:
		r.err = r.grid.close(r, r.to)
	default:
		r.err = r.complete()
	}
	return r.err
}

// complete makes the row at r.now.
func (r *Rows) complete() error {
	if r.on >= 0 && (!r.sensors[r.on].known || r.sensors[r.on].t != r.now) {
		return nil
	}
	whole := r.carried || r.seen == len(r.sensors)
	if !whole && r.plan.drop {
		return nil
	}
	oldest := r.now
	if r.carried {
		oldest -= r.plan.source.Tolerance.millis()
	}
	for i := range r.sensors {
		s := &r.sensors[i]
		if s.known && s.t >= oldest {
			r.values[i] = s.v
		} else if r.plan.drop {
			return nil
		} else {
			r.values[i] = math.NaN()
		}
	}
	return r.derive(r.now, r.now, true)
}

// derive computes the derived columns of a row at t. It returns the row to the caller if shown
// is true and place, the time that decides its window, is in the window.
func (r *Rows) derive(t, place int64, shown bool) error {
	base := len(r.values) - len(r.columns)
	for i, c := range r.columns {
		m := &r.plan.makers[i]
		r.values[base+i] = c.next(t, r.values[m.a], r.values[m.b])
	}
	if !shown || place < r.from || place >= r.to {
		return nil
	}
	for i, at := range r.plan.out {
		v := r.values[at]
		if r.plan.infAsNaN && math.IsInf(v, 0) {
			v = math.NaN()
		}
		if r.plan.drop && math.IsNaN(v) {
			return nil
		}
		r.features[i] = v
	}
	return r.row(fleet.Millis(t), r.features)
}
