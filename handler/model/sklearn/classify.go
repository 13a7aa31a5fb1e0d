package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// room returns o with scratch memory in place of each slice that is nil, so that a
// predictor can fill all three.
func (o outcome) room(n int, r *role, a *arena) outcome {
	if o.pred == nil {
		o.pred = a.take(n)
	}
	if o.score == nil {
		o.score = a.take(n * r.scores)
	}
	if o.proba == nil {
		o.proba = a.take(n * r.probabilities)
	}
	return o
}

// classifies returns the role of a classifier. Decides says that it has
// decision_function, probable that it has predict_proba.
func classifies(l *labels, decides, probable bool) role {
	r := role{kind: predict.Classifier, classes: l}
	if decides {
		if r.scores = len(l.names); r.scores == 2 {
			r.scores = 1
		}
	}
	if probable {
		r.probabilities = len(l.names)
	}
	return r
}

// regresses is the role of a regressor.
var regresses = role{kind: predict.Regressor}

// argmax returns the position of the largest number, the first of equal ones, or of the
// first NaN, like numpy.argmax.
func argmax(v []float64) int {
	best := 0
	for i, x := range v {
		if x != x {
			return i
		}
		if x > v[best] {
			best = i
		}
	}
	return best
}

// mostProbable sets pred to the position of the largest number in each row of v.
func mostProbable(pred, v []float64) {
	width := len(v) / len(pred)
	for i := range pred {
		pred[i] = float64(argmax(v[i*width : (i+1)*width]))
	}
}

// decide sets pred to the classes by decision_function. With one score a row the class
// is 1 if the score is above 0; with several it is the position of the highest.
func decide(pred, score []float64) {
	if len(score) != len(pred) {
		mostProbable(pred, score)
		return
	}
	for i, s := range score {
		pred[i] = 0
		if s > 0 {
			pred[i] = 1
		}
	}
}

// link computes a row of probabilities from a row of scores. For two classes there is
// one score.
type link func(proba, score []float64)

// each calls the link for each of n rows.
func (l link) each(proba, score []float64, n int) {
	p, s := len(proba)/n, len(score)/n
	for i := range n {
		l(proba[i*p:(i+1)*p], score[i*s:(i+1)*s])
	}
}

// oneVersusRest is LinearClassifierMixin._predict_proba_lr.
func oneVersusRest(proba, score []float64) {
	if len(score) == 1 {
		twoClasses(proba, expit(score[0]))
		return
	}
	for i, s := range score {
		proba[i] = expit(s)
	}
	sum := pairwiseSum(proba)
	for i := range proba {
		proba[i] /= sum
	}
}

// multinomial is softmax. One score s of two classes counts as the scores -s and s.
func multinomial(proba, score []float64) {
	if len(score) == 1 {
		proba[0], proba[1] = -score[0], score[0]
	} else {
		copy(proba, score)
	}
	softmax(proba)
}

// logistic is the logistic function of two classes, softmax of more.
func logistic(proba, score []float64) {
	if len(score) == 1 {
		twoClasses(proba, expit(score[0]))
		return
	}
	copy(proba, score)
	softmax(proba)
}

// logSumExp is like logistic, but computes softmax as scikit-learn's gradient boosting
// does: exp(score - logsumexp(score)).
func logSumExp(proba, score []float64) {
	if len(score) == 1 {
		twoClasses(proba, expit(score[0]))
		return
	}
	total := logOfSum(score)
	for i, s := range score {
		proba[i] = libm.Exp(s - total)
	}
}

// exponential is the link of gradient boosting with the exponential loss.
func exponential(proba, score []float64) { twoClasses(proba, expit(2*score[0])) }

func twoClasses(proba []float64, second float64) { proba[0], proba[1] = 1-second, second }

// expit is the logistic function.
func expit(x float64) float64 { return 1 / (1 + libm.Exp(-x)) }

// softmax is sklearn.utils.extmath.softmax of a row, in place.
func softmax(row []float64) {
	most := row[argmax(row)]
	for i, x := range row {
		row[i] = libm.Exp(x - most)
	}
	sum := pairwiseSum(row)
	for i := range row {
		row[i] /= sum
	}
}

// logOfSum is scipy.special.logsumexp.
func logOfSum(v []float64) float64 {
	most := v[argmax(v)]
	if math.IsInf(most, 0) {
		return most
	}
	sum := 0.0
	for _, x := range v {
		sum += libm.Exp(x - most)
	}
	return most + math.Log(sum)
}

// pairwiseSum adds numbers in the same order as numpy.sum of a contiguous array
// (pairwise_sum in numpy/_core/src/umath/loops_utils.h.src), so that the rounding is the
// same.
func pairwiseSum[F float32 | float64](v []F) F {
	const block = 128
	n := len(v)
	switch {
	case n < 8:
		sum := F(math.Copysign(0, -1))
		for _, x := range v {
			sum += x
		}
		return sum + 0
	case n > block:
		half := n / 2
		half -= half % 8
		return pairwiseSum(v[:half]) + pairwiseSum(v[half:])
	}
	r := [8]F(v[:8])
	i := 8
	for ; i < n-n%8; i += 8 {
		for j := range r {
			r[j] += v[i+j]
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for ; i < n; i++ {
		sum += v[i]
	}
	return sum
}
