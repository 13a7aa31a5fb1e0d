package sklearn

// sgdOneClassSVM is sklearn.linear_model.SGDOneClassSVM: a linear function. 0
// is normal.
type sgdOneClassSVM struct {
	coef   []float64
	offset float64
}

func loadSGDOneClassSVM(a *attrs) *element {
	s := &sgdOneClassSVM{}
	s.coef = a.vector("coef_", a.features())
	s.offset = a.finite("offset_")
	return &element{detector: s, in: len(s.coef), size: 8 * len(s.coef)}
}

func (s *sgdOneClassSVM) detect(pred []uint8, score, x []float64, _ *arena) error {
	product(score, x, s.coef, len(s.coef))
	for i := range score {
		score[i] -= s.offset
	}
	negatives(pred, score)
	return nil
}

// scoreSamples adds again what it took away, as scikit-learn does.
func (s *sgdOneClassSVM) scoreSamples(dst, x []float64, _ *arena) error {
	product(dst, x, s.coef, len(s.coef))
	for i := range dst {
		dst[i] = dst[i] - s.offset + s.offset
	}
	return nil
}

// negatives sets pred to 1 where score is below 0.
func negatives(pred []uint8, score []float64) {
	for i, v := range score {
		pred[i] = 0
		if v < 0 {
			pred[i] = 1
		}
	}
}
