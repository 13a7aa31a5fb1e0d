package sklearn

// standardScaler is sklearn.preprocessing.StandardScaler. Either slice is nil
// if the scaler leaves that step out.
type standardScaler struct{ mean, scale []float64 }

func loadStandardScaler(a *attrs) *element {
	n := a.features("scale_", "mean_", "var_")
	var s standardScaler
	if a.bool("with_mean") {
		s.mean = a.vector("mean_", n)
	}
	if a.bool("with_std") {
		s.scale = a.divisors("scale_", n)
	}
	return &element{transformer: &s, in: n, out: n, accepts: finiteOrNaN, size: 8 * (len(s.mean) + len(s.scale))}
}

func (s *standardScaler) transform(dst, src []float64, _ int, _ *arena) error {
	centerScale(dst, src, s.mean, s.scale)
	return nil
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

// centerScale sets dst to (src - center) / scale, column by column. A nil
// center or scale is left out.
func centerScale(dst, src, center, scale []float64) {
	copy(dst, src)
	if n := len(center); n > 0 {
		for row := dst; len(row) > 0; row = row[n:] {
			for i, c := range center {
				row[i] -= c
			}
		}
	}
	if n := len(scale); n > 0 {
		for row := dst; len(row) > 0; row = row[n:] {
			for i, c := range scale {
				row[i] /= c
			}
		}
	}
}
