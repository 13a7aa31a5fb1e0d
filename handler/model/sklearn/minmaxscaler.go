package sklearn

import "github.com/fleetscore/fleetscore/handler/model/numpy"

// minMaxScaler is sklearn.preprocessing.MinMaxScaler: x*scale + min.
type minMaxScaler struct {
	scale, min []float64
	clip       bool
	low, high  float64
}

func loadMinMaxScaler(a *attrs) *element {
	s := &minMaxScaler{scale: a.vector("scale_", &a.in), min: a.vector("min_", &a.in), clip: a.boolOr("clip", false)}
	if s.clip {
		if s.low, s.high = a.pair("feature_range"); !(s.low < s.high) {
			a.fail("feature_range is from %v to %v", s.low, s.high)
		}
	}
	return a.perColumn(s, 2*len(s.scale))
}

// pair returns the two numbers of a tuple or list.
func (a *attrs) pair(name string) (first, second float64) {
	items := a.items(name)
	if len(items) != 2 {
		a.fail("%s has %d elements, not two", name, len(items))
		return 0, 0
	}
	first, err1 := numpy.Float(items[0])
	second, err2 := numpy.Float(items[1])
	if err1 != nil || err2 != nil {
		a.fail("%s is not of numbers", name)
	}
	return first, second
}

// perColumn returns the element of a transformer that works on each column alone and
// holds that many numbers. Since 0.20 such transformers accept NaN.
func (a *attrs) perColumn(t transformer, numbers int) *element {
	e := &element{transformer: t, size: 8 * numbers}
	if a.version >= 20 {
		e.accepts = finiteOrNaN
	}
	return e
}

func (s *minMaxScaler) transform(dst, src []float64, _ int, _ *arena) error {
	n := len(s.scale)
	for i := 0; i+n <= len(src); i += n {
		for j, x := range src[i : i+n] {
			dst[i+j] = float64(x*s.scale[j]) + s.min[j]
		}
	}
	if s.clip {
		clip(dst, s.low, s.high)
	}
	return nil
}

// clip moves numbers into an interval; NaN stays.
func clip(x []float64, low, high float64) {
	for i, v := range x {
		if v < low {
			x[i] = low
		} else if v > high {
			x[i] = high
		}
	}
}
