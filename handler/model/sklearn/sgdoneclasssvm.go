package sklearn

// sgdOneClassSVM is sklearn.linear_model.SGDOneClassSVM: a linear function. 0
// is normal.
type sgdOneClassSVM struct {
	coef   []float64
	offset float64
}

func loadSGDOneClassSVM(a *attrs) *element {
	s := &sgdOneClassSVM{}
	s.coef = a.vector("coef_", &a.in)
	s.offset = a.finite("offset_")
	return &element{role: detects, predictor: s, size: 8 * len(s.coef)}
}

func (s *sgdOneClassSVM) predict(out outcome, x []float64, n int, a *arena) error {
	pred, score := out.verdicts(n, a)
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

// verdicts returns room for a detector's predictions and scores, also where
// they are not wanted.
func (o outcome) verdicts(n int, a *arena) (pred, score []float64) {
	if o.pred == nil {
		o.pred = a.take(n)
	}
	if o.score == nil {
		o.score = a.take(n)
	}
	return o.pred, o.score
}

// negatives sets pred to 1 where score is below 0.
func negatives(pred, score []float64) {
	for i, v := range score {
		pred[i] = 0
		if v < 0 {
			pred[i] = 1
		}
	}
}
