package features

import (
	"math"
	"slices"
)

// bucketStats computes the aggregates of the readings in a bucket of a grid. Readings are
// added in the order of time. The formulas are those of pandas 1.2 and later
// (pandas/_libs/groupby.pyx): Kahan's compensated sum for sum and mean, Welford's method for
// std. Explicit conversions prevent fused multiply-add, so that every processor computes the
// same bits.
type bucketStats struct {
	n                int
	first, last      float64
	min, max         float64
	sum, rest        float64
	mean, deviations float64
	values           []float64 // for the median
}

func (b *bucketStats) reset() { *b = bucketStats{values: b.values[:0]} }

func (b *bucketStats) add(aggregate string, v float64) {
	b.n++
	switch aggregate {
	case "sum", "mean":
		y := v - b.rest
		t := b.sum + y
		b.rest = t - b.sum - y
		if b.rest-b.rest != 0 { // the sum is infinite and stays infinite, as in pandas 3
			b.rest = 0
		}
		b.sum = t
	case "std":
		before := b.mean
		b.mean += (v - before) / float64(b.n)
		b.deviations += float64((v - b.mean) * (v - before))
	case "median":
		b.values = append(b.values, v)
	case "min":
		if b.n == 1 || v < b.min {
			b.min = v
		}
	case "max":
		if b.n == 1 || v > b.max {
			b.max = v
		}
	case "first":
		if b.n == 1 {
			b.first = v
		}
	case "last":
		b.last = v
	}
}

// value returns the aggregate, or NaN if it is undefined.
func (b *bucketStats) value(aggregate string) float64 {
	switch {
	case aggregate == "sum":
		return b.sum
	case aggregate == "count":
		return float64(b.n)
	case b.n == 0 || aggregate == "std" && b.n == 1:
		return math.NaN()
	}
	switch aggregate {
	case "mean":
		return b.sum / float64(b.n)
	case "std":
		return math.Sqrt(b.deviations / float64(b.n-1))
	case "min":
		return b.min
	case "max":
		return b.max
	case "first":
		return b.first
	case "last":
		return b.last
	}
	slices.Sort(b.values)
	if n := len(b.values); n%2 == 0 {
		return (b.values[n/2-1] + b.values[n/2]) / 2
	}
	return b.values[len(b.values)/2]
}
