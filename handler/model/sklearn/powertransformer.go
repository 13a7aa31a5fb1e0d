package sklearn

import (
	"fmt"
	"math"
)

// powerTransformer is sklearn.preprocessing.PowerTransformer.
type powerTransformer struct {
	lambdas  []float64 // per column
	mirrored []float64 // per column: 2 - lambda, the exponent for numbers below 0
	power    func(x, lambda, mirrored float64) float64
	positive bool     // box-cox, which accepts only numbers above 0
	scaler   *element // nil without standardize
	label    string
}

func loadPowerTransformer(a *attrs) *element {
	t := &powerTransformer{lambdas: a.vector("lambdas_", &a.in), label: a.class + inStep(a.step)}
	switch method := a.text("method"); {
	case method == "box-cox":
		t.power, t.positive = boxCox, true
	case method == "yeo-johnson" && a.version < 109:
		t.power = yeoJohnson
	case method == "yeo-johnson":
		t.power = yeoJohnsonLog
	default:
		a.fail("method %.40q is neither box-cox nor yeo-johnson", method)
	}
	e := a.perColumn(t, len(t.lambdas))
	// Numpy 2 computes 2 - lambda in float32 if lambda is float32. Scikit-learn 1.5 and
	// later mostly run with numpy 2.
	single := a.version >= 105 && a.isFloat32("lambdas_")
	for _, lambda := range t.lambdas {
		mirrored := 2 - lambda
		if single {
			mirrored = float64(float32(mirrored))
		}
		t.mirrored = append(t.mirrored, mirrored)
	}
	if a.bool("standardize") {
		t.scaler = a.inner("_scaler")
		if a.err == nil && (t.scaler.in != a.in.n || t.scaler.transformer == nil) {
			a.fail("_scaler is not fitted on %d features", a.in.n)
		}
		if a.err == nil {
			e.size += t.scaler.size
		}
	}
	return e
}

// boxCox is scipy.special.boxcox.
func boxCox(x, lambda, _ float64) float64 {
	if math.Abs(lambda) < 1e-19 {
		return math.Log(x)
	}
	return math.Expm1(lambda*math.Log(x)) / lambda
}

// yeoJohnson is the formula that scikit-learn used before 1.9.
func yeoJohnson(x, lambda, mirrored float64) float64 {
	switch {
	case x >= 0 && math.Abs(lambda) < epsilon:
		return math.Log1p(x)
	case x >= 0:
		return (math.Pow(x+1, lambda) - 1) / lambda
	case math.Abs(mirrored) > epsilon:
		return -(math.Pow(-x+1, mirrored) - 1) / mirrored
	}
	return -math.Log1p(-x) // NaN stays NaN
}

// yeoJohnsonLog is scipy.stats.yeojohnson, which scikit-learn calls since 1.9.
func yeoJohnsonLog(x, lambda, mirrored float64) float64 {
	switch {
	case x >= 0 && math.Abs(lambda) < epsilon:
		return math.Log1p(x)
	case x >= 0:
		return math.Expm1(lambda*math.Log1p(x)) / lambda
	case math.Abs(mirrored) > epsilon:
		return -math.Expm1(mirrored*math.Log1p(-x)) / mirrored
	}
	return -math.Log1p(-x)
}

func (t *powerTransformer) transform(dst, src []float64, n int, a *arena) error {
	width := len(t.lambdas)
	to := dst
	if t.scaler != nil {
		defer a.release(a.used)
		to = a.take(len(src))
	}
	for i, x := range src {
		if t.positive && x <= 0 {
			return fmt.Errorf("%w: box-cox takes only numbers above 0", &inputError{i / width, i % width, x, t.label})
		}
		to[i] = t.power(x, t.lambdas[i%width], t.mirrored[i%width])
	}
	if t.scaler != nil {
		return t.scaler.transform(dst, to, n, a)
	}
	return nil
}
