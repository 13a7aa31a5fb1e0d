package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// countingNB is BernoulliNB, MultinomialNB or ComplementNB. The joint log-likelihood is a
// linear function of the row.
type countingNB struct {
	role
	linear
	above *float64 // binarize of BernoulliNB: numbers above it become 1, others 0; or nil
}

// featureLogs reads feature_log_prob_, a row for each class.
func (a *attrs) featureLogs(classes int) []float64 {
	return a.matrix("feature_log_prob_", exactly(classes, "classes"), &a.in)
}

func loadBernoulliNB(a *attrs) *element {
	m := &countingNB{role: classifies(a.labels("classes_"), false, true)}
	classes := len(m.classes.names)
	logs, prior := a.featureLogs(classes), a.classLogs(classes)
	if a.has("binarize") {
		limit := a.finite("binarize")
		m.above = &limit
	}
	if a.err != nil {
		return nil
	}
	width := a.in.n
	absent := make([]float64, width)
	for c := range classes {
		row := logs[c*width : (c+1)*width]
		for j, l := range row {
			absent[j] = math.Log(1 - libm.Exp(l))
			row[j] = l - absent[j]
		}
		prior[c] += pairwiseSum(absent)
	}
	a.checkFinite("feature_log_prob_", prior)
	return a.countingNB(m, logs, prior)
}

func loadMultinomialNB(a *attrs) *element {
	m := &countingNB{role: classifies(a.labels("classes_"), false, true)}
	classes := len(m.classes.names)
	return a.countingNB(m, a.featureLogs(classes), a.classLogs(classes))
}

// loadComplementNB loads ComplementNB, which uses the prior only if there is one class.
func loadComplementNB(a *attrs) *element {
	m := &countingNB{role: classifies(a.labels("classes_"), false, true)}
	classes := len(m.classes.names)
	prior := a.classLogs(classes)
	if classes > 1 {
		clear(prior)
	}
	return a.countingNB(m, a.featureLogs(classes), prior)
}

// classLogs reads class_log_prior_. A class without rows in the fit has minus infinity.
func (a *attrs) classLogs(classes int) []float64 {
	prior := a.vectorOrNaN("class_log_prior_", exactly(classes, "classes"))
	for i, p := range prior {
		if p != p || math.IsInf(p, 1) {
			a.fail("class_log_prior_ has a %v at %d", p, i)
		}
	}
	return prior
}

func (a *attrs) countingNB(m *countingNB, logs, prior []float64) *element {
	if a.err != nil {
		return nil
	}
	m.linear = linear{logs, prior, a.in.n}
	return &element{role: m.role, predictor: m, size: m.size()}
}

func (m *countingNB) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	if m.above != nil {
		present := a.take(len(x))
		for i, v := range x {
			present[i] = 0
			if v > *m.above {
				present[i] = 1
			}
		}
		x = present
	}
	m.into(out.proba, x)
	fromJoint(out, n)
	return nil
}

// fromJoint turns the joint log-likelihoods in out.proba into probabilities, and sets
// out.pred to the most probable classes.
func fromJoint(out outcome, n int) {
	classes := len(out.proba) / n
	for i := range n {
		joint := out.proba[i*classes : (i+1)*classes]
		out.pred[i] = float64(argmax(joint))
		total := logOfSum(joint)
		for c, v := range joint {
			joint[c] = libm.Exp(v - total)
		}
	}
}

// categoricalNB is CategoricalNB. A number in a row is the position of a category.
type categoricalNB struct {
	role
	logs  [][]float64 // per column: a row for each class, a number for each category
	prior []float64
	label string
}

func loadCategoricalNB(a *attrs) *element {
	m := &categoricalNB{role: classifies(a.labels("classes_"), false, true), label: a.class + inStep(a.step)}
	classes := exactly(len(m.classes.names), "classes")
	m.prior = a.classLogs(classes.n)
	size := 0
	for j, item := range a.items("feature_log_prob_") {
		logs := a.matrixOf(fmt.Sprintf("feature_log_prob_[%d]", j), item, classes, &dim{what: "categories"})
		if a.err != nil {
			return nil
		}
		m.logs = append(m.logs, logs)
		size += 8*len(logs) + 24
	}
	a.agree("feature_log_prob_", &a.in, len(m.logs))
	return &element{role: m.role, predictor: m, size: size}
}

func (m *categoricalNB) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes, width := m.probabilities, len(m.logs)
	for i := range n {
		joint := out.proba[i*classes : (i+1)*classes]
		clear(joint)
		for j, logs := range m.logs {
			categories := len(logs) / classes
			at := math.Trunc(x[i*width+j])
			if at < 0 || at >= float64(categories) {
				return fmt.Errorf("%w: it knows the categories 0 to %d", &inputError{i, j, x[i*width+j], m.label}, categories-1)
			}
			for c := range joint {
				joint[c] += logs[c*categories+int(at)]
			}
		}
		for c := range joint {
			joint[c] += m.prior[c]
		}
	}
	fromJoint(out, n)
	return nil
}
