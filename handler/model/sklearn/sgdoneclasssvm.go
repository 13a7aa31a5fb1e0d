package sklearn

// sgdOneClassSVM is sklearn.linear_model.SGDOneClassSVM. Its score is a linear function. A
// score of 0 is normal.
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
	pred, score := out.predictionsAndScores(n, a)
	product(score, x, s.coef, len(s.coef))
	for i := range score {
		score[i] -= s.offset
	}
	negatives(pred, score)
	return nil
}

// scoreSamples subtracts the offset and adds it again, as scikit-learn does, so that the
// rounding is the same.
func (s *sgdOneClassSVM) scoreSamples(dst, x []float64, _ *arena) error {
	product(dst, x, s.coef, len(s.coef))
	for i := range dst {
		dst[i] = dst[i] - s.offset + s.offset
	}
	return nil
}

// predictionsAndScores returns o.pred and o.score of a detector, with scratch memory in
// place of one that is nil.
func (o outcome) predictionsAndScores(n int, a *arena) (pred, score []float64) {
	if o.pred == nil {
		o.pred = a.take(n)
	}
	if o.score == nil {
		o.score = a.take(n)
	}
	return o.pred, o.score
}

// negatives sets pred to 1 where the score is below 0, else to 0.
func negatives(pred, score []float64) {
	for i, v := range score {
		pred[i] = 0
		if v < 0 {
			pred[i] = 1
		}
	}
}
