package sklearn

import (
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// adaBoost is AdaBoostClassifier.
type adaBoost struct {
	role
	members
	classes  [][]int   // per member: the positions of its classes in role.classes
	weights  []float64 // per member
	total    float64   // the sum of the weights
	real     bool      // SAMME.R, which adds log-probabilities; false is SAMME, which adds votes
	against  bool      // SAMME since 1.3: a vote for one class also counts against the others
	original bool      // probabilities as 0.19 to 0.21 computed them
}

func loadAdaBoostClassifier(a *attrs) *element {
	m := &adaBoost{role: classifies(a.labels("classes_"), true, true), members: a.members("estimators_", predict.Classifier)}
	m.against, m.original = a.version >= 103, a.version < 22
	m.real = a.optional("algorithm") == any("SAMME.R")
	a.boostWeights(&m.weights, &m.total, len(m.members))
	if a.err != nil {
		return nil
	}
	for _, e := range m.members {
		m.classes = append(m.classes, a.positions(e, m.role.classes))
		if (m.real || m.original) && e.probabilities != m.probabilities {
			a.fail("%s gives no probability for each of %d classes", e.label, m.probabilities)
		}
	}
	return &element{role: m.role, predictor: m, in: a.widthOf(m.members), size: m.members.size()}
}

// boostWeights reads the first count of estimator_weights_ and the sum of all. The
// array is longer than the list of members if boosting ended early.
func (a *attrs) boostWeights(weights *[]float64, total *float64, count int) {
	all := a.vector("estimator_weights_", &dim{what: "estimators"})
	if a.err == nil && len(all) < count {
		a.fail("estimator_weights_ is of %d estimators, where there are %d", len(all), count)
	}
	if a.err == nil {
		*weights, *total = all[:count], pairwiseSum(all)
		a.note("estimators", count)
	}
}

func (m *adaBoost) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes := m.probabilities
	sums, fractions := a.take(n*classes), a.take(n*classes)
	clear(sums)
	clear(fractions)
	for i, e := range m.members {
		if err := m.add(sums, fractions, i, e, x, n, a); err != nil {
			return err
		}
	}
	for i := range sums {
		sums[i] /= m.total
	}
	for i := range n {
		row, proba := sums[i*classes:(i+1)*classes], out.proba[i*classes:(i+1)*classes]
		if classes == 2 {
			out.score[i] = -row[0] + row[1]
		} else {
			copy(out.score[i*classes:], row)
		}
		switch {
		case m.original && m.real:
			m.probabilities019(proba, row, 1)
		case m.original:
			m.probabilities019(proba, fractions[i*classes:(i+1)*classes], m.total)
		case classes == 2:
			proba[0], proba[1] = -out.score[i]/2, out.score[i]/2
			softmax(proba)
		default:
			for k, v := range row {
				proba[k] = v / float64(classes-1)
			}
			softmax(proba)
		}
	}
	decide(out.pred, out.score)
	return nil
}

// probabilities019 computes the probabilities of one row as 0.19 to 0.21 did: sums has
// a number for each class.
func (m *adaBoost) probabilities019(proba, sums []float64, total float64) {
	for k, v := range sums {
		proba[k] = libm.Exp(1 / float64(len(sums)-1) * (v / total))
	}
	if sum := pairwiseSum(proba); sum != 0 {
		for k := range proba {
			proba[k] /= sum
		}
	}
}

// add adds the votes or log-probabilities of member i to sums, and its weighted
// probabilities to fractions. Both are n rows of a number for each class.
func (m *adaBoost) add(sums, fractions []float64, i int, e *element, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	classes, w := m.probabilities, m.weights[i]
	result := outcome{pred: a.take(n)}
	if m.real || m.original {
		result.proba = a.take(n * classes)
	}
	if err := e.predict(result, x, n, a); err != nil {
		return err
	}
	if !m.real {
		rest := 0.0
		if m.against {
			rest = -1 / float64(classes-1) * w
		}
		for k, c := range result.pred {
			predicted := m.classes[i][int(c)]
			for j := range classes {
				if j == predicted {
					sums[k*classes+j] += w
				} else {
					sums[k*classes+j] += rest
				}
			}
		}
		for k, p := range result.proba {
			fractions[k] += float64(p * w)
		}
		return nil
	}
	for k := range n {
		row := result.proba[k*classes : (k+1)*classes]
		for j, p := range row {
			row[j] = math.Log(max(p, epsilon))
		}
		all := pairwiseSum(row)
		for j, l := range row {
			sums[k*classes+j] += float64(float64(classes-1) * (l - float64(1/float64(classes)*all)))
		}
	}
	return nil
}

// adaBoostRegressor is AdaBoostRegressor: the weighted median of its members'
// predictions.
type adaBoostRegressor struct {
	members
	weights []float64
}

func loadAdaBoostRegressor(a *attrs) *element {
	m := &adaBoostRegressor{members: a.members("estimators_", predict.Regressor)}
	var total float64
	a.boostWeights(&m.weights, &total, len(m.members))
	if a.err != nil {
		return nil
	}
	return &element{role: regresses, predictor: m, in: a.widthOf(m.members), size: m.members.size()}
}

func (m *adaBoostRegressor) predict(out outcome, x []float64, n int, a *arena) error {
	if out.pred == nil {
		return nil
	}
	defer a.release(a.used)
	count := len(m.members)
	predicted := a.take(n * count)
	for i, e := range m.members {
		if err := e.predict(outcome{pred: predicted[i*n : (i+1)*n]}, x, n, a); err != nil {
			return err
		}
	}
	order, cumulated := make([]int, count), a.take(count)
	for k := range n {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			switch p, q := predicted[i*n+k], predicted[j*n+k]; {
			case p < q:
				return -1
			case p > q:
				return 1
			}
			return 0
		})
		sum := 0.0
		for i, o := range order {
			sum += m.weights[o]
			cumulated[i] = sum
		}
		median := slices.IndexFunc(cumulated, func(c float64) bool { return c >= 0.5*sum })
		out.pred[k] = predicted[order[max(0, median)]*n+k]
	}
	return nil
}
