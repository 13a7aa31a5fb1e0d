package sklearn

import "slices"

// centeredScaler is sklearn.preprocessing.StandardScaler, RobustScaler or MaxAbsScaler:
// (x - center) / scale.
type centeredScaler struct {
	center, scale []float64 // per column; nil if the scaler does not use it
	clip          bool      // to [-1, 1]
	narrow        bool      // rounds center and scale to float32 for rows of type float32
}

func loadStandardScaler(a *attrs) *element {
	e := a.centeredScaler("with_mean", "mean_", "with_std")
	e.transformer.(*centeredScaler).narrow = a.version >= 108
	return e
}

func loadRobustScaler(a *attrs) *element {
	return a.centeredScaler("with_centering", "center_", "with_scaling")
}

// loadMaxAbsScaler loads MaxAbsScaler, which has the parameter clip since 1.9.
func loadMaxAbsScaler(a *attrs) *element {
	s := &centeredScaler{scale: a.divisors("scale_"), clip: a.boolOr("clip", false)}
	return a.perColumn(s, len(s.scale))
}

// centeredScaler loads a scaler. The arguments are the names of its parameters and of the
// attribute that it subtracts. The attribute is read even if it is not subtracted: up to
// 0.22 only its length says how many columns the scaler takes.
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

// divisors is like vector, but the numbers must be above 0.
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

// Scaling returns the center and the scale of the model's StandardScaler, RobustScaler or
// MaxAbsScaler, a number for each column. The scaler must be the model itself or the first
// step of a Pipeline. A slice is nil if the scaler does not use it. Both are nil without
// such a scaler.
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
