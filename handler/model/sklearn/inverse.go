package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// inverter is a transformer whose inverse_transform is known.
type inverter interface {
	// invert sets the n rows of dst to inverse_transform of the rows of src. If single is
	// true, src is of type float32 in Python. Scikit-learn then changes the array in place,
	// and so every step is rounded to float32.
	invert(dst, src []float64, n int, single bool, a *arena) error
}

// invertible reports whether inverse_transform of e is supported.
func (e *element) invertible() bool {
	switch t := e.transformer.(type) {
	case nil:
		return e.predictor == nil
	case *pipeline:
		for _, s := range t.steps {
			if !s.invertible() {
				return false
			}
		}
		return t.last == nil
	case *functions:
		return t.inverse != nil
	case inverter:
		return true
	}
	return false
}

func (e *element) invert(dst, src []float64, n int, single bool, a *arena) error {
	if e.transformer == nil {
		copy(dst, src)
		return nil
	}
	return e.transformer.(inverter).invert(dst, src, n, single, a)
}

func (p *pipeline) invert(dst, src []float64, n int, single bool, a *arena) error {
	defer a.release(a.used)
	for i := len(p.steps) - 1; i >= 0; i-- {
		y := a.take(n * p.steps[i].width(len(src)/n))
		if err := p.steps[i].invert(y, src, n, single, a); err != nil {
			return err
		}
		src = y
	}
	copy(dst, src)
	return nil
}

func (f *functions) invert(dst, src []float64, _ int, single bool, _ *arena) error {
	for i, x := range src {
		dst[i] = rounded(f.inverse(x), single)
	}
	return nil
}

func (s *centeredScaler) invert(dst, src []float64, n int, single bool, _ *arena) error {
	width := len(src) / n
	narrow := single && s.narrow
	for i, x := range src {
		if s.scale != nil {
			x = rounded(x*rounded(s.scale[i%width], narrow), single)
		}
		if s.center != nil {
			x = rounded(x+rounded(s.center[i%width], narrow), single)
		}
		dst[i] = x
	}
	return nil
}

func (s *minMaxScaler) invert(dst, src []float64, n int, single bool, _ *arena) error {
	width := len(src) / n
	for i, x := range src {
		dst[i] = rounded(rounded(x-s.min[i%width], single)/s.scale[i%width], single)
	}
	return nil
}

func (t *quantileTransformer) invert(dst, src []float64, _ int, single bool, _ *arena) error {
	width := len(t.columns)
	for i, p := range src {
		q := &t.columns[i%width]
		if t.normal {
			p = 0.5 * math.Erfc(-p/math.Sqrt2)
		}
		low, high := p == 0, p == 1
		if t.near {
			low, high = p-boundsThreshold < 0, p+boundsThreshold > 1
		}
		switch {
		case p != p:
			dst[i] = p
		case low:
			dst[i] = q.x[0]
		case high:
			dst[i] = q.x[len(q.x)-1]
		default:
			dst[i] = interpolate(p, q.y, q.x)
		}
		dst[i] = rounded(dst[i], single)
	}
	return nil
}

func (t *powerTransformer) invert(dst, src []float64, n int, single bool, a *arena) error {
	defer a.release(a.used)
	if t.scaler != nil {
		y := a.take(len(src))
		if err := t.scaler.invert(y, src, n, single, a); err != nil {
			return err
		}
		src = y
	}
	width := len(t.lambdas)
	for i, x := range src {
		lambda, mirrored := t.lambdas[i%width], t.mirrored[i%width]
		switch {
		case t.positive && lambda == 0:
			dst[i] = libm.Exp(x)
		case t.positive:
			dst[i] = math.Pow(float64(x*lambda)+1, 1/lambda)
		case x >= 0 && math.Abs(lambda) < epsilon:
			dst[i] = libm.Exp(x) - 1
		case x >= 0:
			dst[i] = math.Pow(float64(x*lambda)+1, 1/lambda) - 1
		case math.Abs(mirrored) > epsilon:
			dst[i] = 1 - math.Pow(float64(-mirrored*x)+1, 1/mirrored)
		default:
			dst[i] = 1 - libm.Exp(-x)
		}
		dst[i] = rounded(dst[i], single)
	}
	return nil
}
