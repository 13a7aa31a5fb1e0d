package score

import (
	"math"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// rawFeature is the name of the one feature of raw readings.
const rawFeature = "value"

// point is a reading without its sensor.
type point struct {
	time  fleet.Millis
	value float64
}

// aggregator makes rows from points in the order of time: the aggregates of each bucket.
// It is not used for raw readings, which are rows already.
//
// Buckets are [k·Every, (k+1)·Every) since 1970, cut at the window's ends. A
// bucket's row carries its start, or the window's where it is cut. A bucket is
// left out if it is empty, or if a function is undefined in it: std of one point.
type aggregator struct {
	fleet.Aggregation
	window fleet.Window
	bucket int64 // number of the open bucket
	stats  stats // of the open bucket; none if empty
}

// columnsOf returns the names of the columns of a sensor's rows.
func columnsOf(a fleet.Aggregation) []string {
	if a.Raw() {
		return []string{rawFeature}
	}
	return a.Functions
}

// add adds the next point. If the point completes a bucket, add calls row with its row.
// row must not keep x.
func (a *aggregator) add(p point, row func(ts fleet.Millis, x ...float64) error) error {
	if b := a.number(p.time); b != a.bucket {
		if err := a.flush(row); err != nil {
			return err
		}
		a.bucket = b
	}
	a.stats.add(p.value)
	return nil
}

// flush completes the open bucket.
func (a *aggregator) flush(row func(ts fleet.Millis, x ...float64) error) error {
	if a.stats.n == 0 {
		return nil
	}
	defer func() { a.stats = stats{} }()
	var room [8]float64 // one for each function
	x := room[:0]
	for _, f := range a.Functions {
		v, ok := a.stats.value(f)
		if !ok {
			return nil
		}
		x = append(x, v)
	}
	return row(max(fleet.Millis(a.bucket*a.Every.Milliseconds()), fleet.MillisOf(a.window.From)), x...)
}

// buckets returns how many buckets the window touches, 0 for raw readings.
func (a *aggregator) buckets() int {
	if a.Raw() {
		return 0
	}
	return int(a.number(fleet.MillisOf(a.window.To)-1) - a.number(fleet.MillisOf(a.window.From)) + 1)
}

// number returns the number of the bucket that holds t. It is negative before 1970.
func (a *aggregator) number(t fleet.Millis) int64 {
	every := int64(a.Every / time.Millisecond)
	n := int64(t) / every
	if int64(t)%every < 0 {
		n--
	}
	return n
}

// stats are the running aggregates of values in their order. Mean and std
// follow Welford's recurrence (Knuth, TAOCP vol. 2, 4.2.2, eq. 15 and 16), which
// needs one pass and cancels nothing; conversions keep a product from being
// fused with a sum, so that every machine has the same bits.
type stats struct {
	n                 int
	first, last       float64
	min, max          float64
	sum, mean, moment float64 // moment: the sum of squared deviations from the mean
}

func (s *stats) add(v float64) {
	s.n++
	if s.n == 1 {
		*s = stats{n: 1, first: v, last: v, min: v, max: v, sum: v, mean: v}
		return
	}
	s.last = v
	s.min, s.max = min(s.min, v), max(s.max, v)
	s.sum += v
	d := v - s.mean
	s.mean += d / float64(s.n)
	s.moment += float64(d * (v - s.mean))
}

// value returns an aggregate of at least one value by its name in
// [fleet.AggregateFunctions]; false if it is undefined.
func (s *stats) value(function string) (float64, bool) {
	switch function {
	case "mean":
		return s.sum / float64(s.n), true
	case "min":
		return s.min, true
	case "max":
		return s.max, true
	case "std":
		return math.Sqrt(s.moment / float64(s.n-1)), s.n > 1
	case "count":
		return float64(s.n), true
	case "sum":
		return s.sum, true
	case "first":
		return s.first, true
	case "last":
		return s.last, true
	}
	panic("score: unknown aggregate function " + function)
}
