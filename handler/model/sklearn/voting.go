package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// voting is VotingClassifier or VotingRegressor.
type voting struct {
	role
	members
	classes [][]int   // per member: the positions of its classes in role.classes
	weights []float64 // per member; nil if all weights are equal
	total   float64   // the sum of weights
}

// encoderClasses returns the classes of the LabelEncoder in an attribute.
func (a *attrs) encoderClasses(name string) *labels {
	o := a.inside(name)
	if a.err != nil {
		return &labels{}
	}
	v, _ := o.Attr("classes_")
	return &labels{a.labelNames("classes_ of "+name, v)}
}

func loadVotingClassifier(a *attrs) *element {
	l := a.encoderClasses("le_")
	m := &voting{role: classifies(l, false, a.value("voting") == any("soft")), members: a.members("estimators_", predict.Classifier)}
	for _, e := range m.members {
		m.classes = append(m.classes, a.encoded(e, len(l.names)))
		if m.probabilities > 0 && e.probabilities != m.probabilities {
			a.fail("%s gives no probability for each of %d classes", e.label, m.probabilities)
		}
	}
	return a.voting(m)
}

func loadVotingRegressor(a *attrs) *element {
	return a.voting(&voting{role: regresses, members: a.members("estimators_", predict.Regressor)})
}

func (a *attrs) voting(m *voting) *element {
	if a.has("weights") && a.err == nil {
		all := a.floatsOf("weights", &dim{what: "estimators"})
		m.weights = a.votingWeights(all)
		if m.total = pairwiseSum(m.weights); a.err == nil && (len(m.weights) != len(m.members) || m.total == 0) {
			a.fail("weights %v do not fit %d estimators", m.weights, len(m.members))
		}
	}
	if a.err != nil {
		return nil
	}
	return &element{role: m.role, predictor: m, in: a.widthOf(m.members), accepts: anyNumber, size: m.members.size()}
}

// votingWeights returns the weights without those of estimators that are "drop" or None.
func (a *attrs) votingWeights(all []float64) []float64 {
	var weights []float64
	for i, item := range a.items("estimators") {
		pair, ok := item.(*pickle.Tuple)
		if !ok || len(pair.Items) != 2 || i >= len(all) {
			a.fail("estimators are not as many pairs as there are weights")
			return nil
		}
		if dropped := pair.Items[1]; dropped != nil && dropped != any("drop") {
			weights = append(weights, all[i])
		}
	}
	return weights
}

func (m *voting) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes := 1
	sums := out.pred
	switch {
	case m.probabilities > 0:
		sums, classes = out.proba, m.probabilities
	case m.kind == predict.Classifier:
		classes = len(m.role.classes.names)
		sums = a.take(n * classes)
	}
	clear(sums)
	predicted := a.take(n * classes)
	for i, e := range m.members {
		w := 1.0
		if m.weights != nil {
			w = m.weights[i]
		}
		result := outcome{pred: predicted[:n]}
		if m.probabilities > 0 {
			result = outcome{proba: predicted}
		}
		if err := e.predict(result, x, n, a); err != nil {
			return err
		}
		switch {
		case m.kind == predict.Classifier && m.probabilities == 0:
			for k, c := range result.pred {
				sums[k*classes+m.classes[i][int(c)]] += w
			}
		case m.probabilities > 0:
			addWeighted(sums, result.proba, w)
		default:
			addWeighted(sums, result.pred, w)
		}
	}
	if m.kind == predict.Regressor || m.probabilities > 0 {
		total := float64(len(m.members))
		if m.weights != nil {
			total = m.total
		}
		for i := range sums {
			sums[i] /= total
		}
	}
	if m.kind == predict.Classifier {
		mostProbable(out.pred, sums)
	}
	return nil
}

func addWeighted(sums, v []float64, w float64) {
	for k, p := range v {
		sums[k] += float64(p * w)
	}
}
