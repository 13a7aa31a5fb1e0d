package runs

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Quality is what is wrong about what came of a sensor. Duplicate, conflict and
// rejected are of whole hours: those that the span meets. Each event counts once, however often the
// hub delivers it.
//
// Missing is, in pandas, with the end of the span as the last index,
// (d / d.median()).round().sub(1).clip(lower=0).sum() of d = index.diff(), whose median
// is without the end. It says nothing of a sensor that sends at no fixed distance, such
// as on a change.
type Quality struct {
	UsualSeconds *float64 `json:"usual_seconds,omitempty"` // the usual interval between readings, the median, in seconds; absent of fewer than three readings
	Missing      *int     `json:"missing,omitempty"`       // how many more readings there would be, from the first of the span to its end or to now, if one came at each usual interval
	Duplicate    int      `json:"duplicate"`               // how many readings came again with the value that is stored, by their own times
	Conflict     int      `json:"conflict"`                // how many readings came with another value than is stored, by their own times
	Rejected     int      `json:"rejected"`                // how much named the sensor and was no reading, such as a value that is no number, by the time at which it reached the hub
}

// quality counts what was wrong about what came of a sensor in the hours that w meets.
func (a *API) quality(ctx context.Context, sensor fleet.ID, w fleet.Window) (*Quality, error) {
	w.From = w.From.Truncate(time.Hour)
	f, err := a.Readings.SensorFaults(ctx, sensor, w)
	if err != nil {
		return nil, err
	}
	return &Quality{Duplicate: f.Duplicate, Conflict: f.Conflict, Rejected: f.Rejected}, nil
}

// distances are the distances in time of readings that follow one another. Those that
// are equal in their first 12 binary digits are held as one, by their mean: so there are at most some 65,000,
// whatever comes.
type distances struct {
	last  fleet.Millis
	n     int // readings
	known map[uint64]*distance
}

type distance struct {
	sum float64 // milliseconds
	n   int
}

func (d distance) mean() float64 { return d.sum / float64(d.n) }

// add adds a reading. Readings come in the order of time.
func (d *distances) add(t fleet.Millis) {
	if d.n++; d.n > 1 {
		if d.known == nil {
			d.known = map[uint64]*distance{}
		}
		apart := uint64(t - d.last)
		shift := max(0, bits.Len64(apart)-12)
		key := apart >> shift << shift
		if d.known[key] == nil {
			d.known[key] = &distance{}
		}
		d.known[key].sum += float64(apart)
		d.known[key].n++
	}
	d.last = t
}

// missing returns the usual interval and how many readings are missing until end; nil
// if there are too few to tell.
func (d *distances) missing(end fleet.Millis) (usualSeconds *float64, missing *int) {
	if d.n < 3 {
		return nil, nil
	}
	all := make([]distance, 0, len(d.known))
	for _, x := range d.known {
		all = append(all, *x)
	}
	slices.SortFunc(all, func(a, b distance) int { return cmp.Compare(a.mean(), b.mean()) })
	at := func(i int) float64 { // the i-th distance
		for _, x := range all {
			if i -= x.n; i < 0 {
				return x.mean()
			}
		}
		return 0 // unreachable: i is less than their number
	}
	usual := (at((d.n-2)/2) + at((d.n-1)/2)) / 2
	lacking := 0.
	count := func(apart float64, n int) {
		lacking += max(0, math.RoundToEven(apart/usual)-1) * float64(n)
	}
	for _, x := range all {
		count(x.mean(), x.n)
	}
	count(float64(end-d.last), 1)
	seconds, n := usual/1000, int(min(lacking, 1<<53))
	return &seconds, &n
}
