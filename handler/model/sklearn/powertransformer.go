package sklearn

import (
	"fmt"
	"math"
)

// powerTransformer is sklearn.preprocessing.PowerTransformer.
type powerTransformer struct {
	lambdas  []float64
	power    func(x, lambda float64) float64
	positive bool     // box-cox takes no other numbers
	scaler   *element // nil if it does not standardize
	label    string
}

func loadPowerTransformer(a *attrs) *element {
	n := a.features("lambdas_")
	t := &powerTransformer{lambdas: a.vector("lambdas_", n), label: a.class + inStep(a.step)}
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
	e := a.perColumn(t, n, n)
	if a.bool("standardize") {
		t.scaler = a.inner("_scaler")
		if a.err == nil && (t.scaler.in != n || t.scaler.transformer == nil) {
			a.fail("_scaler is not fitted on %d features", n)
		}
		if a.err == nil {
			e.size += t.scaler.size
		}
	}
	return e
}

// boxCox is scipy.special.boxcox.
func boxCox(x, lambda float64) float64 {
	if math.Abs(lambda) < 1e-19 {
		return math.Log(x)
	}
	return math.Expm1(lambda*math.Log(x)) / lambda
}

// yeoJohnson is as scikit-learn computed it before 1.9.
func yeoJohnson(x, lambda float64) float64 {
	switch {
	case x >= 0 && math.Abs(lambda) < epsilon:
		return math.Log1p(x)
	case x >= 0:
		return (math.Pow(x+1, lambda) - 1) / lambda
	case math.Abs(lambda-2) > epsilon:
		return -(math.Pow(-x+1, 2-lambda) - 1) / (2 - lambda)
	}
	return -math.Log1p(-x) // NaN stays NaN
}

// yeoJohnsonLog is scipy.stats.yeojohnson, which scikit-learn calls since 1.9.
func yeoJohnsonLog(x, lambda float64) float64 {
	switch {
	case x >= 0 && math.Abs(lambda) < epsilon:
		return math.Log1p(x)
	case x >= 0:
		return math.Expm1(lambda*math.Log1p(x)) / lambda
	case math.Abs(lambda-2) > epsilon:
		return -math.Expm1((2-lambda)*math.Log1p(-x)) / (2 - lambda)
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
		to[i] = t.power(x, t.lambdas[i%width])
	}
	if t.scaler != nil {
		return t.scaler.transform(dst, to, n, a)
	}
	return nil
}
