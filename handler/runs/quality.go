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

// Quality counts what is wrong with the readings of a sensor. Duplicate, conflict and rejected
// count whole hours, all that the span meets. Each event counts once, however often the hub
// delivers it.
//
// Missing is computed as pandas does in (d / m).round().sub(1).clip(lower=0).sum(). Here d are
// the intervals between the readings, and the interval from the last one to the end of the
// span; m is the median of the former. Missing means nothing for a sensor that sends at
// irregular intervals, such as when its value changes.
type Quality struct {
	UsualSeconds *float64 `json:"usual_seconds,omitempty"` // the median interval between readings, in seconds; left out if there are fewer than three readings
	Missing      *int     `json:"missing,omitempty"`       // how many more readings there would be with one at each usual interval, from the first reading to the end of the span, or to now if that is earlier; left out if there are fewer than three readings
	Duplicate    int      `json:"duplicate"`               // how many readings came again with the value that is stored; they count in the hours of their own times
	Conflict     int      `json:"conflict"`                // how many readings came with another value than the stored one; they count in the hours of their own times
	Rejected     int      `json:"rejected"`                // how many elements named the sensor and were no readings, such as a value that is no number; they count in the hours in which they reached the hub
}

// quality counts the duplicates, conflicts and rejected readings of a sensor, in the hours that w
// meets.
func (a *API) quality(ctx context.Context, sensor fleet.ID, w fleet.Window) (*Quality, error) {
	w.From = w.From.Truncate(time.Hour)
	f, err := a.Readings.SensorFaults(ctx, sensor, w)
	if err != nil {
		return nil, err
	}
	return &Quality{Duplicate: f.Duplicate, Conflict: f.Conflict, Rejected: f.Rejected}, nil
}

// intervals counts the intervals between readings. Intervals whose first 12 binary digits are equal
// are counted together, with their mean. So there are at most some 65,000 counts, whatever the
// readings.
type intervals struct {
	last  fleet.Millis         // the time of the last reading
	n     int                  // how many readings there are
	known map[uint64]*interval // by the first 12 digits
}

// interval counts intervals that are nearly equal.
type interval struct {
	sum float64 // their sum in milliseconds
	n   int     // how many there are
}

func (d interval) mean() float64 { return d.sum / float64(d.n) }

// add adds a reading. Readings come in the order of time.
func (d *intervals) add(t fleet.Millis) {
	if d.n++; d.n > 1 {
		if d.known == nil {
			d.known = map[uint64]*interval{}
		}
		apart := uint64(t - d.last)
		shift := max(0, bits.Len64(apart)-12)
		key := apart >> shift << shift
		if d.known[key] == nil {
			d.known[key] = &interval{}
		}
		d.known[key].sum += float64(apart)
		d.known[key].n++
	}
	d.last = t
}

// missing returns the median interval, and how many readings are missing up to end: see [Quality].
// Both are nil if there are fewer than three readings.
func (d *intervals) missing(end fleet.Millis) (usualSeconds *float64, missing *int) {
	if d.n < 3 {
		return nil, nil
	}
	all := make([]interval, 0, len(d.known))
	for _, x := range d.known {
		all = append(all, *x)
	}
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.mean(), b.mean()) })
	at := func(i int) float64 { // the interval with index i, of all in ascending order
		for _, x := range all {
			if i -= x.n; i < 0 {
				return x.mean()
			}
		}
		return 0 // unreachable: i is less than the number of intervals
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
