package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// boosted is GradientBoostingClassifier or GradientBoostingRegressor. To the prediction
// of an initial estimator it adds the values of all trees. Each stage has one tree for
// each output.
type boosted struct {
	*valueForest
	role
	start []float64 // the initial prediction of each output; nil if first computes it
	first *initial
	link  link
	half  float64 // of two classes, the smallest score of the second
}

// initial is an initial estimator that is not constant.
type initial struct {
	*element
	toScore func(dst, proba []float64) // turns its probabilities into scores; nil for a regressor
}

func loadGradientBoostingClassifier(a *attrs) *element {
	m := &boosted{role: classifies(a.labels("classes_"), true, true), link: logSumExp}
	classes := len(m.classes.names)
	outputs := m.scores
	loss := a.text("loss")
	toScore := logOdds
	switch {
	case a.err != nil:
		return nil
	case loss == "exponential" && classes == 2:
		m.link, toScore = exponential, halfLogOdds
	case loss != "deviance" && loss != "log_loss":
		a.refuse("loss "+loss, "fit it with loss='log_loss'")
	case classes > 2 && a.version < 104:
		toScore = logOfEach
	case classes > 2:
		toScore = symmetricLogs
	}
	least := 0x1p-23 // float32's epsilon: the smallest probability, and 1 minus the largest
	if a.version >= 108 {
		least = epsilon
	}
	// Before 1.4 it took the larger probability, and of equal ones the first class.
	if a.version < 104 && loss != "exponential" {
		m.half = math.SmallestNonzeroFloat64
	}
	return a.boosted(m, outputs, func(dst, proba []float64) {
		for i, p := range proba {
			proba[i] = max(least, min(1-least, p))
		}
		toScore(dst, proba)
	})
}

func loadGradientBoostingRegressor(a *attrs) *element {
	return a.boosted(&boosted{role: regresses}, 1, nil)
}

func (a *attrs) boosted(m *boosted, outputs int, toScore func(dst, proba []float64)) *element {
	a.forestWidth()
	stages := a.objects("estimators_", outputs)
	trees := a.valueTrees(stages, 1, false)
	rate := a.finite("learning_rate")
	for i := range trees {
		trees[i].Output = i % outputs
		for k, v := range trees[i].Values {
			trees[i].Values[k] = rate * v
		}
	}
	m.valueForest = a.valueForest(trees, outputs, 1)
	a.startOf(m, outputs, toScore)
	if a.err != nil {
		return nil
	}
	a.note("trees", len(trees))
	e := &element{role: m.role, predictor: m, accepts: finite32, size: m.Size()}
	if m.first != nil {
		e.size += m.first.size
	}
	return e
}

// startOf reads init_: 'zero', or an estimator. It sets m.start if the prediction is
// constant, else m.first.
func (a *attrs) startOf(m *boosted, outputs int, toScore func(dst, proba []float64)) {
	v := a.value("init_")
	if v == any("zero") {
		m.start = make([]float64, outputs)
		return
	}
	if o, ok := v.(*pickle.Object); ok && a.constantStart(m, o, outputs) {
		return
	}
	e := a.inner("init_")
	switch {
	case a.err != nil:
	case e.predictor == nil || e.kind != m.kind || m.kind == predict.Classifier && e.probabilities != len(m.classes.names):
		a.refuse("init that is no "+m.kind.String()+" of the same classes", "use one that is, or none")
	case !e.fits(a.in.n):
		a.fail("init_ takes %d columns, not %d", e.in, a.in.n)
	case e.predictor != nil:
		m.first = &initial{e, toScore}
		if c, ok := e.predictor.(*constant); ok && toScore == nil {
			m.start, m.first = c.values, nil
		} else if ok {
			m.start, m.first = make([]float64, outputs), nil
			toScore(m.start, c.values)
		}
	}
}

// constantStart reads the classes of initial estimators that sklearn.ensemble had up to
// 0.20. It reports false for any other class.
func (a *attrs) constantStart(m *boosted, o *pickle.Object, outputs int) bool {
	attribute := map[string]string{
		"LogOddsEstimator": "prior", "ScaledLogOddsEstimator": "prior", "PriorProbabilityEstimator": "priors",
		"MeanEstimator": "mean", "QuantileEstimator": "quantile", "ZeroEstimator": "",
	}
	name, ok := attribute[o.Class.Name]
	if !ok {
		return false
	}
	m.start = make([]float64, outputs)
	if name == "" {
		return true
	}
	inner := &attrs{loader: a.loader, object: o, class: o.Class.Name, step: a.step, version: a.version}
	if name == "priors" {
		m.start = inner.vector(name, exactly(outputs, "classes"))
	} else {
		m.start[0] = inner.finite(name)
	}
	if a.err == nil {
		a.err = inner.err
	}
	return true
}

func logOdds(dst, proba []float64) { dst[0] = math.Log(proba[1] / (1 - proba[1])) }

func halfLogOdds(dst, proba []float64) {
	logOdds(dst, proba)
	dst[0] *= 0.5
}

func logOfEach(dst, proba []float64) {
	for i, p := range proba {
		dst[i] = math.Log(p)
	}
}

// symmetricLogs sets dst to the logarithms of proba minus their mean.
func symmetricLogs(dst, proba []float64) {
	logOfEach(dst, proba)
	mean := libm.Exp(pairwiseSum(dst) / float64(len(dst)))
	for i, p := range proba {
		dst[i] = math.Log(p / mean)
	}
}

func (m *boosted) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	sums := out.score
	if m.kind == predict.Regressor {
		sums = out.pred
	}
	if sums == nil {
		sums = a.take(n * m.Outputs())
	}
	for i := range sums {
		sums[i] = 0
		if m.start != nil {
			sums[i] = m.start[i%len(m.start)]
		}
	}
	if m.first != nil {
		if err := m.first.begin(sums, x, n, a); err != nil {
			return err
		}
	}
	m.AddRounded(sums, x, m.Trees())
	if m.kind == predict.Regressor {
		return nil
	}
	if out.proba != nil {
		m.link.each(out.proba, sums, n)
	}
	if out.pred != nil && m.scores == 1 {
		for i, s := range sums {
			out.pred[i] = 0
			if s >= m.half {
				out.pred[i] = 1
			}
		}
	} else if out.pred != nil {
		mostProbable(out.pred, sums)
	}
	return nil
}

// begin sets scores to the initial predictions of n rows. Scikit-learn rounds the rows to
// float32 before it predicts.
func (f *initial) begin(scores, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	rounded := a.take(len(x))
	for i, v := range x {
		rounded[i] = float64(float32(v))
	}
	if f.toScore == nil {
		return f.predict(outcome{pred: scores}, rounded, n, a)
	}
	proba := a.take(n * f.probabilities)
	if err := f.predict(outcome{proba: proba}, rounded, n, a); err != nil {
		return err
	}
	width := len(scores) / n
	for i := range n {
		f.toScore(scores[i*width:(i+1)*width], proba[i*f.probabilities:(i+1)*f.probabilities])
	}
	return nil
}
