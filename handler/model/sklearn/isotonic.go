package sklearn

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// isotonic is sklearn.isotonic.IsotonicRegression, which interpolates between points.
type isotonic struct {
	x, y      []float64
	low, high float64 // X_min_ and X_max_
	beyond    string  // out_of_bounds: nan, clip or raise
	single    bool    // it was fitted on float32, and computes in float32
	label     string
}

func loadIsotonic(a *attrs) *element {
	m := a.isotonic()
	return &element{role: regresses, predictor: m, in: 1, size: 16 * len(m.x)}
}

func (a *attrs) isotonic() *isotonic {
	a.in = *exactly(1, "features")
	points := &dim{what: "points"}
	m := &isotonic{label: a.class + inStep(a.step)}
	nameX, nameY := "X_thresholds_", "y_thresholds_"
	if a.version < 24 {
		nameX, nameY = "_necessary_X_", "_necessary_y_"
	}
	m.x, m.y = a.vector(nameX, points), a.vector(nameY, points)
	m.single = a.isFloat32(nameX) && a.isFloat32(nameY)
	m.low, m.high = a.finite("X_min_"), a.finite("X_max_")
	m.beyond = a.text("out_of_bounds")
	switch {
	case a.err != nil:
	case !ascends(m.x):
		a.fail("%s does not ascend", nameX)
	case m.beyond != "nan" && m.beyond != "clip" && m.beyond != "raise":
		a.fail("out_of_bounds %.40q is none of nan, clip, raise", m.beyond)
	}
	return m
}

func ascends(x []float64) bool {
	for i := 1; i < len(x); i++ {
		if !(x[i] > x[i-1]) {
			return false
		}
	}
	return true
}

var errBeyond = errors.New("it is outside the range that the regression was fitted on")

// value returns the prediction for x. It returns an error where out_of_bounds='raise'
// raises one.
func (m *isotonic) value(x float64) (float64, error) {
	x = rounded(x, m.single)
	if m.beyond == "clip" {
		x = max(m.low, min(m.high, x))
	}
	last := len(m.x) - 1
	switch {
	case last == 0:
		return m.y[0], nil
	case x >= m.x[0] && x <= m.x[last] && m.single:
		return m.interpolate32(float32(x)), nil
	case x >= m.x[0] && x <= m.x[last]:
		return interpolate(x, m.x, m.y), nil
	case m.beyond == "raise":
		return 0, errBeyond
	}
	return math.NaN(), nil
}

// interpolate32 interpolates as scipy.interpolate.interp1d up to 1.17 does with arrays of
// float32: every step is rounded. The other formula of scipy 1.18 may give a neighbouring
// float32.
func (m *isotonic) interpolate32(x float32) float64 {
	at := max(1, sort.SearchFloat64s(m.x, float64(x)))
	x0, x1, y0, y1 := float32(m.x[at-1]), float32(m.x[at]), float32(m.y[at-1]), float32(m.y[at])
	slope := (y1 - y0) / (x1 - x0)
	return float64(float32(slope*(x-x0)) + y0)
}

func (m *isotonic) predict(out outcome, x []float64, _ int, _ *arena) error {
	if out.pred == nil {
		return nil
	}
	for i, v := range x {
		var err error
		if out.pred[i], err = m.value(v); err != nil {
			return fmt.Errorf("%w: %w", &inputError{i, 0, v, m.label}, err)
		}
	}
	return nil
}

// isotonicOf reads an IsotonicRegression inside another estimator.
func (a *attrs) isotonicOf(o *pickle.Object) *isotonic {
	inner := &attrs{loader: a.loader, object: o, class: o.Class.Name, step: a.step, version: a.version}
	m := inner.isotonic()
	if a.err == nil {
		a.err = inner.err
	}
	return m
}
