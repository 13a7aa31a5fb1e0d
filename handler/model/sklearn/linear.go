package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// linear is x·coef + intercept, for one or more outputs.
type linear struct {
	coef      []float64 // a row for each output
	intercept []float64 // a number for each output
	width     int       // columns of x
}

// linear reads coef_ and intercept_.
func (a *attrs) linear(outputs int) linear {
	l := linear{}
	if isSparse(a.optional("coef_")) { // by sparsify
		l.coef = a.sparseMatrix("coef_", exactly(outputs, "outputs"), &a.in)
	} else if shape := a.shape("coef_"); len(shape) == 2 {
		if shape[0] > 1 && outputs == 1 {
			a.refuse("several outputs", oneOutput)
		}
		l.coef = a.matrix("coef_", exactly(outputs, "outputs"), &a.in)
	} else if l.coef = a.vector("coef_", &a.in); outputs != 1 {
		a.fail("coef_ is a vector, not of %d classes", outputs)
	}
	l.width = a.in.n
	l.intercept = a.vectorOrNumber("intercept_", exactly(outputs, "outputs"))
	return l
}

func (l *linear) size() int { return 8 * (len(l.coef) + len(l.intercept)) }

// into sets the rows of dst, a number for each output, from the rows of x.
func (l *linear) into(dst, x []float64) {
	product(dst, x, l.coef, l.width)
	if len(l.intercept) == 1 {
		for i := range dst {
			dst[i] += l.intercept[0]
		}
		return
	}
	for i := range dst {
		dst[i] += l.intercept[i%len(l.intercept)]
	}
}

// linearRegressor is a linear model with one output. If exp is true, the prediction is
// exp of the linear function.
type linearRegressor struct {
	linear
	exp bool
}

func loadLinearRegressor(a *attrs) *element {
	return a.linearRegressor(false)
}

// loadLogLinear loads a generalised linear model whose link is the logarithm.
func loadLogLinear(a *attrs) *element { return a.linearRegressor(true) }

// loadTweedie loads TweedieRegressor. With link='auto' the parameter power decides the
// link.
func loadTweedie(a *attrs) *element {
	switch link := a.value("link"); link {
	case "identity":
		return a.linearRegressor(false)
	case "log":
		return a.linearRegressor(true)
	case "auto":
		return a.linearRegressor(a.finite("power") > 0)
	default:
		a.refuse(fmt.Sprintf("link %.40v", link), "use link='log' or 'identity'")
		return nil
	}
}

func (a *attrs) linearRegressor(exp bool) *element {
	m := &linearRegressor{a.linear(1), exp}
	return &element{role: regresses, predictor: m, size: m.size()}
}

func (m *linearRegressor) predict(out outcome, x []float64, _ int, _ *arena) error {
	if out.pred == nil {
		return nil
	}
	m.into(out.pred, x)
	if m.exp {
		for i, v := range out.pred {
			out.pred[i] = libm.Exp(v)
		}
	}
	return nil
}

// linearClassifier is a linear model with a score for each class, or one for two
// classes.
type linearClassifier struct {
	linear
	role
	link link // nil without predict_proba
}

// loadLogisticRegression loads LogisticRegression and LogisticRegressionCV. Which
// function computes the probabilities depends on the parameters multi_class, which 1.8
// removed, and solver.
func loadLogisticRegression(a *attrs) *element {
	l := a.labels("classes_")
	binary := len(l.names) <= 2
	solver := a.value("solver")
	link := link(oneVersusRest)
	switch multi := a.optional("multi_class"); {
	case a.version >= 108:
		link = logistic
	case a.version < 20 && binary: // whatever multi_class is
	case multi == any("ovr"), multi == any("warn"):
	case (multi == any("auto") || multi == any("deprecated")) && (binary || solver == any("liblinear")):
	case binary && a.version < 20:
	default:
		link = multinomial
	}
	return a.linearClassifier(l, link)
}

// loadSGDClassifier loads SGDClassifier. Its loss decides whether it has probabilities,
// and how they are computed.
func loadSGDClassifier(a *attrs) *element {
	var l link
	switch a.value("loss") {
	case "log", "log_loss":
		l = oneVersusRest
	case "modified_huber":
		l = modifiedHuber
	}
	return a.linearClassifier(a.labels("classes_"), l)
}

// loadLinearClassifier loads a classifier that has no predict_proba.
func loadLinearClassifier(a *attrs) *element {
	return a.linearClassifier(a.labels("classes_"), nil)
}

// loadDiscriminant loads LinearDiscriminantAnalysis. Before 0.21 its probabilities were
// those of one class against the rest.
func loadDiscriminant(a *attrs) *element {
	l := link(logistic)
	if a.version < 21 {
		l = oneVersusRest
	}
	e := a.linearClassifier(a.labels("classes_"), l)
	solver := a.value("solver")
	if a.err != nil || solver == any("lsqr") || !a.has("scalings_") {
		return e
	}
	// As a transformer it projects to at most _max_components columns.
	components := &dim{what: "components"}
	t := &projection{rows: transposed(a.matrix("scalings_", &a.in, components), a.in.n), width: a.in.n}
	if solver == any("svd") {
		t.mean = a.vector("xbar_", &a.in)
	}
	if a.err != nil {
		return nil
	}
	e.out = components.n
	if a.has("_max_components") {
		e.out = min(e.out, a.count("_max_components"))
	}
	t.rows = t.rows[:e.out*t.width]
	e.transformer = t
	return e
}

// loadRidgeClassifier loads RidgeClassifier and RidgeClassifierCV. They keep their
// classes in a LabelBinarizer.
func loadRidgeClassifier(a *attrs) *element { return a.linearClassifier(a.binarized(), nil) }

// binarized returns the classes of the estimator's LabelBinarizer.
func (a *attrs) binarized() *labels {
	o := a.inside("_label_binarizer")
	if a.err != nil {
		return &labels{}
	}
	if kind, _ := o.Attr("y_type_"); kind != any("binary") && kind != any("multiclass") {
		a.refuse("several labels a row", oneOutput)
		return &labels{}
	}
	v, _ := o.Attr("classes_")
	return &labels{a.labelNames("classes_ of _label_binarizer", v)}
}

func (a *attrs) linearClassifier(l *labels, link link) *element {
	m := &linearClassifier{role: classifies(l, true, link != nil), link: link}
	m.linear = a.linear(m.scores)
	return &element{role: m.role, predictor: m, size: m.size()}
}

func (m *linearClassifier) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	score := out.score
	if score == nil {
		score = a.take(n * m.scores)
	}
	m.into(score, x)
	if out.pred != nil {
		decide(out.pred, score)
	}
	if out.proba != nil && m.link != nil {
		m.link.each(out.proba, score, n)
	}
	return nil
}

// modifiedHuber is the link of SGDClassifier with the loss modified_huber. It maps scores
// from -1 to 1 to probabilities from 0 to 1. If all classes of a row would get 0, each
// gets the same.
func modifiedHuber(proba, score []float64) {
	half := func(s float64) float64 { return (max(-1, min(1, s)) + 1) / 2 }
	if len(score) == 1 {
		twoClasses(proba, half(score[0]))
		return
	}
	all := 0.0
	for i, s := range score {
		proba[i] = half(s)
		all += proba[i]
	}
	for i := range proba {
		if all == 0 {
			proba[i] = 1
		}
	}
	sum := pairwiseSum(proba)
	for i := range proba {
		proba[i] /= sum
	}
}

// shape returns an array's shape.
func (a *attrs) shape(name string) []int {
	if a.err != nil {
		return nil
	}
	v := a.value(name)
	if o, ok := v.(*pickle.Object); ok && !numpy.IsArray(o) {
		a.refuse("a "+name+" that is no dense array", "call densify() before writing it")
		return nil
	}
	array, err := numpy.Parse(v)
	if err != nil {
		a.fail("%s: %w", name, err)
	}
	return array.Shape
}
