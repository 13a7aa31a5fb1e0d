package sklearn

import (
	"strconv"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// stacking is StackingClassifier or StackingRegressor. The predictions of its members, and
// with passthrough the row itself, are the row of the final estimator.
type stacking struct {
	role
	members
	parts  []stacked // per member
	final  *element
	passes bool  // passthrough
	width  int   // columns of the final estimator's rows
	enters int   // columns of the members' rows
	names  []int // per class of the final estimator: its position in role.classes
}

// stacked says which results of a member are columns of the final estimator's rows.
type stacked struct {
	from, to int       // the range of the results that are used
	wide     int       // the number of results of a row
	values   []float64 // for predict of a classifier: the number of each class; or nil
	proba    bool      // the results are those of predict_proba
	score    bool      // the results are those of decision_function
}

func loadStackingClassifier(a *attrs) *element {
	l := a.labels("classes_")
	m := &stacking{members: a.members("estimators_", predict.Classifier)}
	m.final = a.finalEstimator()
	if a.err != nil {
		return nil
	}
	if m.final.predictor == nil || m.final.kind != predict.Classifier {
		a.fail("%s is no classifier", m.final.label)
		return nil
	}
	m.names = a.encoded(m.final, len(l.names))
	m.role = role{kind: predict.Classifier, classes: l, scores: m.final.scores, probabilities: m.final.probabilities}
	if len(m.names) != len(l.names) {
		a.fail("final_estimator_ knows %d of %d classes", len(m.names), len(l.names))
	}
	return a.stacking(m)
}

func loadStackingRegressor(a *attrs) *element {
	m := &stacking{role: regresses, members: a.members("estimators_", predict.Regressor)}
	m.final = a.finalEstimator()
	if a.err == nil && (m.final.predictor == nil || m.final.kind != predict.Regressor) {
		a.fail("%s is no regressor", m.final.label)
	}
	return a.stacking(m)
}

// finalEstimator loads the final estimator. Its rows are a sparse matrix only where they have
// those of the members in them.
func (a *attrs) finalEstimator() *element {
	if !a.boolOr("passthrough", false) {
		a.sparse = dense
	}
	return a.nested("final_estimator_", a.value("final_estimator_"))
}

func (a *attrs) stacking(m *stacking) *element {
	methods := a.items("stack_method_")
	m.passes = a.boolOr("passthrough", false)
	if a.err == nil && len(methods) != len(m.members) {
		a.fail("%d estimators, but the methods of %d", len(m.members), len(methods))
	}
	m.enters = a.widthOf(m.members)
	if a.err != nil {
		return nil
	}
	for i, e := range m.members {
		p := stacked{to: 1, wide: 1}
		switch method := methods[i]; {
		case method == any("predict_proba") && e.probabilities > 0:
			p = stacked{to: e.probabilities, wide: e.probabilities, proba: true}
			if m.classes != nil && len(m.classes.names) == 2 {
				p.from = 1
			}
		case method == any("decision_function") && e.scores > 0:
			p = stacked{to: e.scores, wide: e.scores, score: true}
		case method == any("predict"):
			p.values = a.numbersOf(e)
		default:
			a.fail("%s has no %.40v", e.label, method)
		}
		m.parts = append(m.parts, p)
		m.width += p.to - p.from
	}
	if m.passes && m.enters == anyWidth {
		a.fail("nothing in it result how many columns it takes: fit it with scikit-learn 0.23 or later")
	} else if m.passes {
		m.width += m.enters
	}
	if a.err == nil && !m.final.fits(m.width) {
		a.fail("%s takes %d columns, but gets %d", m.final.label, m.final.in, m.width)
	}
	if a.err != nil {
		return nil
	}
	return &element{role: m.role, predictor: m, in: m.enters, accepts: anyNumber, size: m.members.size() + m.final.size}
}

// numbersOf returns a classifier's classes as numbers, or nil for a regressor.
func (a *attrs) numbersOf(e *element) []float64 {
	if e.kind != predict.Classifier {
		return nil
	}
	var numbers []float64
	for _, name := range e.classes.names {
		f, err := strconv.ParseFloat(name, 64)
		if err != nil {
			a.refuse("a final estimator that gets classes which are no numbers", "use stack_method='predict_proba'")
			return nil
		}
		numbers = append(numbers, f)
	}
	return numbers
}

func (m *stacking) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	rows := a.take(n * m.width)
	at := 0
	for i, e := range m.members {
		if err := m.stack(rows[at:], m.parts[i], e, x, n, a); err != nil {
			return err
		}
		at += m.parts[i].to - m.parts[i].from
	}
	if m.passes {
		for k := range n {
			copy(rows[k*m.width+at:(k+1)*m.width], x[k*m.enters:(k+1)*m.enters])
		}
	}
	if err := m.final.predict(out, rows, n, a); err != nil {
		return err
	}
	if m.kind == predict.Classifier {
		for i, c := range out.pred {
			out.pred[i] = float64(m.names[int(c)])
		}
	}
	return nil
}

// stack writes a member's results for n rows to dst, which has a row every m.width numbers.
func (m *stacking) stack(dst []float64, p stacked, e *element, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	predicted := a.take(n * p.wide)
	result := outcome{pred: predicted}
	switch {
	case p.proba:
		result = outcome{proba: predicted}
	case p.score:
		result = outcome{score: predicted}
	}
	if err := e.predict(result, x, n, a); err != nil {
		return err
	}
	for k := range n {
		for j := p.from; j < p.to; j++ {
			v := predicted[k*p.wide+j]
			if p.values != nil {
				v = p.values[int(v)]
			}
			dst[k*m.width+j-p.from] = v
		}
	}
	return nil
}
