package sklearn

import (
	"math"
	"sort"
)

// quantileTransformer is sklearn.preprocessing.QuantileTransformer. It applies the
// empirical distribution function of a column, and the quantile function of the normal
// distribution if output_distribution is normal.
type quantileTransformer struct {
	columns   []quantiles
	normal    bool
	near      bool    // numbers within boundsThreshold of a bound count as outside
	low, high float64 // the range of the output
}

// quantiles is the distribution of a column. Scikit-learn interpolates from both ends and
// takes the mean, so it is also stored mirrored: x and y negated, in reverse order.
type quantiles struct{ x, y, mirrorX, mirrorY []float64 }

const boundsThreshold = 1e-7

func loadQuantileTransformer(a *attrs) *element {
	count := &dim{what: "quantiles"}
	y := a.vector("references_", count)
	table := a.matrix("quantiles_", count, &a.in)
	if a.err != nil {
		return nil
	}
	n := a.in.n
	t := &quantileTransformer{normal: a.text("output_distribution") == "normal", low: math.Inf(-1), high: math.Inf(1)}
	if !t.normal && a.text("output_distribution") != "uniform" {
		a.fail("output_distribution is neither normal nor uniform")
	}
	const low, high = boundsThreshold - epsilon, 1 - (boundsThreshold - epsilon)
	t.near = t.normal || a.version < 21
	switch {
	case t.normal:
		t.low, t.high = normalQuantile(low), normalQuantile(high)
	case a.version < 21:
		t.low, t.high = low, high
	}
	if err := a.budget.Take(24 * len(table)); err != nil {
		a.fail("%w", err)
		return nil
	}
	mirrorY := mirror(y)
	for j := range n {
		x := make([]float64, len(y))
		for i := range x {
			x[i] = table[i*n+j]
		}
		t.columns = append(t.columns, quantiles{x, y, mirror(x), mirrorY})
		if !ordered(x) {
			a.fail("quantiles_ are not in order in column %d", j)
		}
	}
	return a.perColumn(t, 2*len(table)+2*len(y))
}

// ordered reports whether x ascends. Before 0.21 quantiles that should be equal may
// descend by a rounding error, which is accepted.
func ordered(x []float64) bool {
	for i := 1; i < len(x); i++ {
		if x[i]-x[i-1] < -4*epsilon*math.Abs(x[i-1]) {
			return false
		}
	}
	return true
}

func mirror(v []float64) []float64 {
	m := make([]float64, len(v))
	for i, f := range v {
		m[len(v)-1-i] = -f
	}
	return m
}

func (t *quantileTransformer) transform(dst, src []float64, _ int, _ *arena) error {
	width := len(t.columns)
	for i, x := range src {
		dst[i] = t.value(&t.columns[i%width], x)
	}
	return nil
}

// value is _transform_col of one number.
func (t *quantileTransformer) value(q *quantiles, x float64) float64 {
	if math.IsNaN(x) {
		return x
	}
	low, high := q.x[0], q.x[len(q.x)-1]
	below, above := x == low, x == high
	if t.near {
		below, above = x-boundsThreshold < low, x+boundsThreshold > high
	}
	y := 0.5 * (interpolate(x, q.x, q.y) - interpolate(-x, q.mirrorX, q.mirrorY))
	if above {
		y = 1
	}
	if below {
		y = 0
	}
	if t.normal {
		y = normalQuantile(y)
	}
	return max(t.low, min(t.high, y))
}

// interpolate is numpy.interp of one number.
func interpolate(x float64, xs, ys []float64) float64 {
	last := len(xs) - 1
	switch {
	case x > xs[last]:
		return ys[last]
	case x < xs[0]:
		return ys[0]
	}
	// The last point that is not above x.
	j := sort.Search(len(xs), func(i int) bool { return xs[i] > x }) - 1
	if j == last || xs[j] == x {
		return ys[j]
	}
	slope := (ys[j+1] - ys[j]) / (xs[j+1] - xs[j])
	return float64(slope*(x-xs[j])) + ys[j]
}

// normalQuantile is scipy.stats.norm.ppf, the quantile function of the standard normal
// distribution.
func normalQuantile(p float64) float64 {
	switch {
	case p == 0.5:
		return 0
	case p > 0.5: // 1 - p is exact, and the lower tail has more digits
		return -normalQuantile(1 - p)
	case p <= 0:
		return math.Inf(-1)
	}
	z := -math.Sqrt2 * math.Erfcinv(2*p)
	// Erfcinv loses digits in the tail. Erfc does not, so two steps of Halley's method
	// restore them.
	for range 2 {
		density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		step := (0.5*math.Erfc(-z/math.Sqrt2) - p) / density
		z -= step / (1 + z*step/2)
	}
	return z
}
