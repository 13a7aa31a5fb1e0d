package sklearn

// centeredScaler is sklearn.preprocessing.StandardScaler, RobustScaler or
// MaxAbsScaler: (x - center) / scale, and perhaps clipped to [-1, 1]. Either
// slice is nil if the scaler leaves that step out.
type centeredScaler struct {
	center, scale []float64
	clip          bool
}

func loadStandardScaler(a *attrs) *element {
	return a.centeredScaler("with_mean", "mean_", "with_std", "var_")
}

func loadRobustScaler(a *attrs) *element {
	return a.centeredScaler("with_centering", "center_", "with_scaling", "center_")
}

// loadMaxAbsScaler: clip came with 1.9.
func loadMaxAbsScaler(a *attrs) *element {
	n := a.features("scale_")
	s := &centeredScaler{scale: a.divisors("scale_", n), clip: a.boolOr("clip", false)}
	return a.perColumn(s, n, n)
}

// centeredScaler loads a scaler by the names of the parameters that switch its
// steps on, of what it subtracts, and of an attribute that tells the number of
// features if the first two do not.
func (a *attrs) centeredScaler(withCenter, center, withScale, other string) *element {
	n := a.features("scale_", center, other)
	var s centeredScaler
	if a.bool(withCenter) {
		s.center = a.vector(center, n)
	}
	if a.bool(withScale) {
		s.scale = a.divisors("scale_", n)
	}
	return a.perColumn(&s, n, len(s.center)+len(s.scale))
}

// divisors is vector of numbers none of which is 0.
func (a *attrs) divisors(name string, n int) []float64 {
	v := a.vector(name, n)
	for i, f := range v {
		if f == 0 {
			a.fail("%s is 0 at %d", name, i)
		}
	}
	return v
}

func (s *centeredScaler) transform(dst, src []float64, _ int, _ *arena) error {
	copy(dst, src)
	if n := len(s.center); n > 0 {
		for row := dst; len(row) > 0; row = row[n:] {
			for i, c := range s.center {
				row[i] -= c
			}
		}
	}
	if n := len(s.scale); n > 0 {
		for row := dst; len(row) > 0; row = row[n:] {
			for i, c := range s.scale {
				row[i] /= c
			}
		}
	}
	if s.clip {
		clip(dst, -1, 1)
	}
	return nil
}
