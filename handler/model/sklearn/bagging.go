package sklearn

import (
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// bagging is BaggingClassifier or BaggingRegressor: the mean of its members'
// predictions. Each member gets a subset of the columns.
type bagging struct {
	role
	members
	columns [][]int // per member; nil if it takes all columns in order
	classes [][]int // per member: the positions of its classes in role.classes
	count   float64 // n_estimators, by which sums are divided
	width   int     // columns of a row
}

func loadBaggingClassifier(a *attrs) *element {
	m := &bagging{role: classifies(a.labels("classes_"), false, true), members: a.members("estimators_", predict.Classifier)}
	if a.err != nil {
		return nil
	}
	scores := m.members[0].scores
	for _, e := range m.members {
		m.classes = append(m.classes, a.encoded(e, len(m.role.classes.names)))
		if e.scores != scores || !e.decides() || len(e.classes.names) != len(m.role.classes.names) {
			scores = 0
		}
	}
	m.scores = scores
	return a.bagging(m)
}

func loadBaggingRegressor(a *attrs) *element {
	return a.bagging(&bagging{role: regresses, members: a.members("estimators_", predict.Regressor)})
}

func (a *attrs) bagging(m *bagging) *element {
	a.forestWidth()
	features := a.items("estimators_features_")
	if a.err == nil && len(features) != len(m.members) {
		a.fail("%d estimators, but columns for %d", len(m.members), len(features))
	}
	m.count, m.width = float64(a.count("n_estimators")), a.in.n
	if a.err != nil {
		return nil
	}
	for i, v := range features {
		columns, err := a.ints(v)
		if err != nil {
			a.fail("estimators_features_: %w", err)
			return nil
		}
		a.checkColumns(columns, m.width)
		if !m.members[i].fits(len(columns)) {
			a.fail("%s takes %d columns, but is given %d", m.members[i].label, m.members[i].in, len(columns))
		}
		if len(columns) == m.width && slices.IsSorted(columns) && columns[0] == 0 && columns[m.width-1] == m.width-1 && len(slices.Compact(slices.Clone(columns))) == m.width {
			columns = nil
		}
		m.columns = append(m.columns, columns)
	}
	a.note("estimators", len(m.members))
	e := &element{role: m.role, predictor: m, accepts: anyNumber, size: m.members.size() + 8*m.width*len(features)}
	if a.version < 20 {
		e.accepts = finite
	}
	return e
}

func (m *bagging) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	sums := out.proba
	if m.kind == predict.Regressor {
		sums = out.pred
	}
	clear(sums)
	clear(out.score)
	for i, e := range m.members {
		if err := m.add(sums, out.score, i, e, x, n, a); err != nil {
			return err
		}
	}
	for i := range sums {
		sums[i] /= m.count
	}
	for i := range out.score {
		out.score[i] /= m.count
	}
	if m.kind == predict.Classifier {
		mostProbable(out.pred, sums)
	}
	return nil
}

// add adds the predictions or probabilities of member i to sums, and its scores to
// scores.
func (m *bagging) add(sums, scores []float64, i int, e *element, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	if columns := m.columns[i]; columns != nil {
		x = pick(a.take(n*len(columns)), x, columns, m.width)
	}
	result := outcome{pred: a.take(n)}
	if m.kind == predict.Classifier {
		result = outcome{pred: result.pred, score: a.take(n * m.scores), proba: a.take(n * e.probabilities)}
		if len(result.score) == 0 {
			result.score = nil
		}
		if len(result.proba) == 0 {
			result.proba = nil
		}
	}
	if err := e.predict(result, x, n, a); err != nil {
		return amongColumns(err, m.columns[i])
	}
	for k, s := range result.score {
		scores[k] += s
	}
	switch outputs := m.probabilities; {
	case m.kind == predict.Regressor:
		for k, v := range result.pred {
			sums[k] += v
		}
	case result.proba == nil:
		for k, c := range result.pred {
			sums[k*outputs+m.classes[i][int(c)]]++
		}
	default:
		own := len(m.classes[i])
		for k, p := range result.proba {
			sums[k/own*outputs+m.classes[i][k%own]] += p
		}
	}
	return nil
}

// pick copies some columns of the rows of x to dst. A row of x has width numbers.
func pick(dst, x []float64, columns []int, width int) []float64 {
	k := 0
	for ; len(x) > 0; x = x[width:] {
		for _, c := range columns {
			dst[k] = x[c]
			k++
		}
	}
	return dst
}
