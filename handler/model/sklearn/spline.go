package sklearn

import (
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// splines is sklearn.preprocessing.SplineTransformer. It replaces a number by the values
// of the B-splines of its column.
type splines struct {
	columns []spline
	beyond  string // the parameter extrapolation
	zeros   bool   // NaN becomes zeros
	each    int    // splines of a column
	out     int    // columns of the output for a column: each, or one less without include_bias
	label   string
}

// spline is a scipy.interpolate.BSpline that computes all splines of a column.
type spline struct {
	knots       []float64
	coef        []float64 // len(knots)-degree-1 rows, a column for each spline
	degree      int
	edge        int // the position of the knot where extrapolation begins
	touched     int // the number of splines that are not 0 there
	extrapolate bool
}

func loadSpline(a *attrs) *element {
	t := &splines{beyond: a.text("extrapolation"), label: a.class + inStep(a.step)}
	t.zeros = a.optional("handle_missing") == any("zeros")
	degree, each := a.int("degree"), &dim{what: "splines"}
	switch t.beyond {
	case "error", "constant", "linear", "continue", "periodic":
	default:
		a.fail("extrapolation %.40q is none of scikit-learn's", t.beyond)
	}
	list := a.items("bsplines_")
	if a.err != nil || !a.agree("bsplines_", &a.in, len(list)) {
		return nil
	}
	for i, v := range list {
		t.columns = append(t.columns, a.spline(i, v, degree, each))
		if a.err != nil {
			return nil
		}
	}
	t.each, t.out = each.n, each.n
	t.edges(degree)
	if t.beyond != "periodic" && each.n <= degree {
		a.fail("%d splines of degree %d", each.n, degree)
	}
	if !a.bool("include_bias") {
		t.out--
	}
	e := &element{transformer: t, out: t.out * a.in.n, size: 8 * a.in.n * each.n * (each.n + 2)}
	if t.zeros {
		e.accepts = anyNumber
	}
	if a.encodesSparse() {
		e.sparse = sparseZeros
	}
	return e
}

// edges sets where the extrapolation of each column begins. With extrapolation='linear'
// and a degree of 0 or 1 scikit-learn increases the degree in the loop over the columns,
// so that later columns begin at a later knot. edges does the same.
func (t *splines) edges(degree int) {
	for i := range t.columns {
		s := &t.columns[i]
		s.edge, s.touched = degree, degree
		if t.beyond == "linear" && degree <= 1 {
			degree++
			s.touched = degree
		}
	}
}

func (a *attrs) spline(i int, v any, degree int, each *dim) spline {
	name := fmt.Sprintf("bsplines_[%d]", i)
	s := spline{degree: degree}
	o, ok := v.(*pickle.Object)
	if ok {
		if state, held := o.State.(*pickle.Tuple); held && len(state.Items) > 0 { // since scipy 1.17 the attributes are in an inner object
			o, ok = state.Items[0].(*pickle.Object)
		}
	}
	if !ok {
		a.fail("%s is no BSpline", name)
		return s
	}
	knots, rows := &dim{what: "knots"}, &dim{what: "rows"}
	s.knots = a.vectorOf(name, firstAttr(o, "t", "_t"), knots)
	s.coef = a.matrixOf(name, firstAttr(o, "c", "_c"), rows, each)
	s.extrapolate, _ = firstAttr(o, "extrapolate").(bool)
	if k, _ := a.number(firstAttr(o, "k")); a.err == nil && (k != float64(degree) || degree < 0 || rows.n != knots.n-degree-1 || rows.n <= degree || knots.n < 6) {
		a.fail("%s has %d knots and %d rows, which do not fit the degree %d", name, knots.n, rows.n, degree)
	}
	for j := 1; j < len(s.knots); j++ {
		if s.knots[j] < s.knots[j-1] {
			a.fail("%s has knots that descend", name)
		}
	}
	return s
}

// bounds returns the knots at a position counted from each end.
func (s *spline) bounds(at int) (low, high float64) {
	return s.knots[at], s.knots[len(s.knots)-at-1]
}

// interval is find_interval in scipy/interpolate/_bspl.pyx. It returns the position of the
// last knot that is not above x, leaving out degree knots at each end.
func (s *spline) interval(x float64) int {
	n := len(s.knots) - s.degree - 1
	l := s.degree
	for l < n-1 && x >= s.knots[l+1] {
		l++
	}
	return l
}

// into sets dst to the splines' values at x, or to their derivatives. Work has room for
// 2·(degree+1) numbers.
func (s *spline) into(dst, work []float64, x float64, derivative bool) {
	low, high := s.bounds(s.degree)
	if x != x || (x < low || x > high) && !s.extrapolate {
		for j := range dst {
			dst[j] = math.NaN()
		}
		return
	}
	at, k := s.interval(x), s.degree
	h, before := work[:k+1], work[k+1:2*k+2]
	s.deBoor(h, before, x, at, derivative)
	clear(dst)
	for i, v := range h {
		row := s.coef[(at+i-k)*len(dst) : (at+i-k+1)*len(dst)]
		for j, c := range row {
			dst[j] += float64(c * v)
		}
	}
}

// deBoor is _deBoor_D in scipy/interpolate/src/__fitpack.cc. It sets h to the degree+1
// basis functions that are not 0 at x, or to their derivatives.
func (s *spline) deBoor(h, before []float64, x float64, at int, derivative bool) {
	k, m := s.degree, 0
	if derivative {
		m = 1
	}
	clear(h)
	h[0] = 1
	for j := 1; j <= k; j++ {
		copy(before, h[:j])
		h[0] = 0
		for n := 1; n <= j; n++ {
			high, low := s.knots[at+n], s.knots[at+n-j]
			switch {
			case high == low:
				h[n] = 0
			case j > k-m:
				w := float64(j) * before[n-1] / (high - low)
				h[n-1] -= w
				h[n] = w
			default:
				w := before[n-1] / (high - low)
				h[n-1] += float64(w * (high - x))
				h[n] = w * (x - low)
			}
		}
	}
	if derivative && k == 0 {
		h[0] = 0
	}
}

var errKnots = errors.New("it is outside the range of the knots")

func (t *splines) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	width := len(t.columns)
	values, slopes := a.take(t.each), a.take(t.each)
	work := a.take(2 * (t.columns[0].degree + 1))
	for i, x := range src {
		s := &t.columns[i%width]
		switch {
		case x != x && t.zeros:
			clear(values)
		default:
			t.value(s, values, slopes, work, x)
		}
		if values[0] != values[0] && t.beyond == "error" {
			return fmt.Errorf("%w: %w", &inputError{i / width, i % width, x, t.label}, errKnots)
		}
		copy(dst[i*t.out:(i+1)*t.out], values)
	}
	return nil
}

// value sets values to the splines at x, and extrapolates if x is outside the knots.
func (t *splines) value(s *spline, values, slopes, work []float64, x float64) {
	low, high := s.bounds(s.edge)
	if t.beyond == "periodic" {
		period := high - low
		if period > 0 {
			rest := math.Mod(x-low, period)
			if rest < 0 {
				rest += period
			}
			x = low + rest
		} else {
			x = 0
		}
	}
	if t.beyond != "constant" && t.beyond != "linear" || x >= low && x <= high {
		s.into(values, work, x, false)
		return
	}
	edge := low
	if x > high {
		edge = high
	}
	s.into(values, work, edge, false)
	t.keep(values, x > high, s.touched)
	if t.beyond == "linear" {
		s.into(slopes, work, edge, true)
		t.keep(slopes, x > high, s.touched)
		for j := range values {
			values[j] += float64((x - edge) * slopes[j])
		}
	}
}

// keep clears all but the first k numbers, or all but the last k.
func (t *splines) keep(v []float64, last bool, k int) {
	if k = min(k, len(v)); last {
		clear(v[:len(v)-k])
	} else {
		clear(v[k:])
	}
}
