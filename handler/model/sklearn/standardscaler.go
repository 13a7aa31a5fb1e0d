package sklearn

import "slices"

// centeredScaler is sklearn.preprocessing.StandardScaler, RobustScaler or
// MaxAbsScaler: (x - center) / scale, and perhaps clipped to [-1, 1]. Either
// slice is nil if the scaler leaves that step out.
type centeredScaler struct {
	center, scale []float64
	clip          bool
}

func loadStandardScaler(a *attrs) *element {
	return a.centeredScaler("with_mean", "mean_", "with_std")
}

func loadRobustScaler(a *attrs) *element {
	return a.centeredScaler("with_centering", "center_", "with_scaling")
}

// loadMaxAbsScaler: clip came with 1.9.
func loadMaxAbsScaler(a *attrs) *element {
	s := &centeredScaler{scale: a.divisors("scale_"), clip: a.boolOr("clip", false)}
	return a.perColumn(s, len(s.scale))
}

// centeredScaler loads a scaler by the names of the parameters that switch its
// steps on, and of what it subtracts. Where both are off, it is in the file all
// the same up to 0.22, and n_features_in_ is since.
func (a *attrs) centeredScaler(withCenter, center, withScale string) *element {
	var s centeredScaler
	subtract := a.bool(withCenter)
	if subtract || a.has(center) {
		s.center = a.vector(center, &a.in)
	}
	if !subtract {
		s.center = nil
	}
	if a.bool(withScale) {
		s.scale = a.divisors("scale_")
	}
	e := a.perColumn(&s, len(s.center)+len(s.scale))
	e.in = a.featuresOrAny()
	return e
}

// divisors is vector of a number above 0 for each feature.
func (a *attrs) divisors(name string) []float64 {
	v := a.vector(name, &a.in)
	for i, f := range v {
		if f <= 0 {
			a.fail("%s is %v at %d: it has to be above 0", name, f, i)
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

// Scaling returns what the first scaler that rows come to subtracts from each
// column and then divides it by: those of a StandardScaler or RobustScaler, alone or
// as the first step of a Pipeline. Either is nil where it leaves that out, both where
// there is no such scaler.
func (m *Model) Scaling() (center, scale []float64) {
	e := m.root
	for e != nil {
		p, ok := e.predictor.(*pipeline)
		if !ok {
			p, ok = e.transformer.(*pipeline)
		}
		if !ok || len(p.steps) == 0 {
			break
		}
		e = p.steps[0]
	}
	if e == nil {
		return nil, nil
	}
	s, ok := e.transformer.(*centeredScaler)
	if !ok {
		return nil, nil
	}
	return slices.Clone(s.center), slices.Clone(s.scale)
}
