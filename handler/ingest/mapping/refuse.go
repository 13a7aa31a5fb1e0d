package mapping

import (
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// contradictions refuses all readings of an event, since the mark, that share a sensor and
// time but differ in value. Perhaps their times stand in a member that is not recognised, or
// two sensors have the same name. Otherwise it would be chance which value is stored.
func (r *Reader) contradictions(since mark) {
	values := make(map[key]float64)
	contradicted := make(map[key]bool)
	for _, x := range r.Readings[since.readings:] {
		k := key{x.ID, x.Time}
		if v, ok := values[k]; ok && v != x.Value {
			contradicted[k] = true
		}
		values[k] = x.Value
	}
	kept, n := since.readings, 0
	var first fleet.Reading
	for i := since.readings; i < len(r.Readings); i++ {
		x := r.Readings[i]
		k := key{x.ID, x.Time}
		if !contradicted[k] {
			r.Readings[kept], r.Origins[kept] = x, r.Origins[i]
			kept++
			continue
		}
		if n++; n == 1 {
			first = x
		}
		r.fault(Fault{ID: x.ID, Refused: 1})
		if r.seen[k].event == r.index {
			delete(r.seen, k)
		}
	}
	if n == 0 {
		return
	}
	r.Readings, r.Origins = r.Readings[:kept], r.Origins[:kept]
	r.Refused = append(r.Refused, Refused{Origin: Origin{r.index, -1, r.event.Body}, Count: n, Err: fmt.Errorf(
		"%w: the event has several values of %v at %v: a mapping must say how their sensors or times differ", fleet.ErrInvalid, first.ID, first.Time)})
}

// fault adds f to Faults. Faults of the same sensor and hour that follow one another are added
// up.
func (r *Reader) fault(f Fault) {
	f.Event = r.index
	if n := len(r.Faults); n > 0 {
		if last := &r.Faults[n-1]; last.Event == f.Event && last.ID == f.ID && last.Time.Hour().Equal(f.Time.Hour()) {
			last.Copies += f.Copies
			last.Refused += f.Refused
			return
		}
	}
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, f)
	}
}

// rowFault adds a fault for a refused row, if the row names a sensor.
func (r *Reader) rowFault(x row) {
	device, err := r.nameOf(x.device)
	if err != nil {
		return
	}
	if sensor, err := r.nameOf(x.sensor); err == nil {
		r.fault(Fault{ID: fleet.ID{Device: device, Sensor: sensor}, Refused: 1})
	}
}

// ahead returns the error of a time that lies too far after the time of the event.
func (r *Reader) ahead(m fleet.Millis) error {
	enqueued := fleet.MillisOf(r.event.Enqueued)
	return fmt.Errorf("%w: its time %v lies %s after it was enqueued, more than INGEST_FUTURE, which is %v: the device's clock is wrong",
		fleet.ErrInvalid, m, span(m-enqueued), r.opt.Future)
}

// span writes a duration, from two days on in days, from two years on in years.
func span(m fleet.Millis) string {
	const day = 24 * time.Hour
	d := time.Duration(min(m, fleet.Millis(1<<62/time.Millisecond))) * time.Millisecond
	switch {
	case d >= 730*day:
		return fmt.Sprintf("%d years", int64(m)/(365.2425*24*3600*1000))
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.Round(time.Second).String()
}

// refuse adds the element raw to Refused.
func (r *Reader) refuse(raw []byte, err error) { r.refuseMany(raw, err, 1) }

// refuseMany adds n readings of the element raw to Refused.
func (r *Reader) refuseMany(raw []byte, err error, n int) {
	r.refused++
	if r.refused > MaxRefused+1 { // too many already
		r.Refused[len(r.Refused)-1].Count += n
	} else {
		r.Refused = append(r.Refused, Refused{Origin: Origin{r.index, r.element, raw}, Count: n, Err: err})
	}
	r.element++
}

// setOrigins gives the readings and refusals since the mark the bytes of the whole event. It
// does so if the event has one element, or if its elements cannot be read alone.
func (r *Reader) setOrigins(since mark) {
	if r.element != 1 && !r.whole {
		return
	}
	for i := range r.Refused[since.refused:] {
		r.Refused[since.refused+i].Origin = r.origin(r.Refused[since.refused+i].Origin)
	}
	for i := range r.Origins[since.readings:] {
		r.Origins[since.readings+i] = r.origin(r.Origins[since.readings+i])
	}
}

func (r *Reader) origin(o Origin) Origin {
	if o.Raw = r.event.Body; r.element != 1 {
		o.Element = -1
	}
	return o
}
