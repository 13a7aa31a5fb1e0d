package sklearn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// isAutoencoder reports whether p is an autoencoder. It is a transformer, but people
// keep it as the model.
func (p part) isAutoencoder() bool {
	_, ok := p.e.transformer.(*autoencoder)
	return ok
}

// stepWords are parts of the keys of transformers, in the order in which such
// transformers are applied. Those in one line have no order among themselves.
var stepWords = [][]string{{"imput"}, {"scal", "preprocess", "transform"}, {"pca"}}

// rank returns the position in stepWords of the first word that p's key contains, or -1.
func (p part) rank() int {
	key := strings.ToLower(p.key)
	return slices.IndexFunc(stepWords, func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(key, w) })
	})
}

// order returns the parts in the order of their application. The last one predicts.
func (b *bundle) order() ([]part, error) {
	if len(b.steps) > 0 {
		return b.listed()
	}
	if !slices.ContainsFunc(b.parts, part.predicts) {
		b.promote()
	}
	var before []part
	var last *part
	for i, p := range b.parts {
		if !p.predicts() {
			before = append(before, p)
			continue
		}
		if last != nil && b.trees() {
			return nil, &unsupported{fmt.Sprintf("the %s of %d trees is not supported: numpy.array and numpy.save take an ensemble apart; write it with joblib.dump(model, 'model.joblib')", b.kind, len(b.parts))}
		}
		if last != nil {
			return nil, b.refuse("more than one of them predicts", fmt.Sprintf(`write each into a file of its own, or name the one that counts in the features file, as in "steps": [%s]`, quoted(last.key)))
		}
		last = &b.parts[i]
	}
	if last != nil {
		before = b.takeTarget(before, *last)
	}
	switch {
	case last == nil:
		return nil, b.nonePredicts()
	case b.unknownTransformer() != "":
		return nil, b.refuse("what "+quoted(b.unknownTransformer())+" does to the rows is not known here", nameSteps(append(before, *last)))
	case len(before) == 0:
		return []part{*last}, nil
	case b.keyed:
		ordered := inOrder(before, *last)
		if ordered == nil {
			return nil, b.refuse("in which order its transformers are applied is not clear", nameSteps(append(before, *last)))
		}
		before = ordered
	case len(before) > 1 && last != &b.parts[len(b.parts)-1]:
		return nil, b.refuse("in which order its transformers are applied is not clear", nameSteps(append(before, *last)))
	}
	for _, p := range before {
		if last.step.holds(p.step.Class) {
			return nil, b.refuse("whether "+quoted(p.key)+" is applied before "+quoted(last.key)+", which has such a step of its own, is not clear", nameSteps([]part{*last}))
		}
	}
	return append(before, *last), nil
}

// trees reports whether all members of a list are single trees. A list of the trees of an
// ensemble has such members.
func (b *bundle) trees() bool {
	return !b.keyed && len(b.parts) == len(b.members) && !slices.ContainsFunc(b.parts, func(p part) bool {
		return !strings.HasPrefix(p.step.Class, "sklearn.tree.")
	})
}

// nonePredicts returns the error that no part predicts. If a member is of a class of
// scikit-learn or PyOD that is not supported, the error names that class.
func (b *bundle) nonePredicts() error {
	for _, m := range b.members {
		if o, ok := m.value.(*pickle.Object); ok && !b.estimates(o) && (strings.HasPrefix(o.Class.Module, "sklearn.") || strings.HasPrefix(o.Class.Module, "pyod.models.")) && o.Class.Name != "LabelEncoder" {
			return refuseClass(o.Class, " under "+quoted(m.key))
		}
	}
	return b.refuse("none of them predicts", "put the fitted model beside them, or write one Pipeline of all")
}

// promote turns one transformer that can be a detector, PCA for instance, into one: the last
// whose key is not that of a transformer, or else the last if there is a threshold or its class
// says that it is a model. In a tuple or list it is the last.
func (b *bundle) promote() {
	chosen := -1
	for i, p := range b.parts {
		if p.e.asModel().predictor != nil && (chosen < 0 || p.rank() < 0 || b.parts[chosen].rank() >= 0) {
			chosen = i
		}
	}
	if chosen < 0 {
		return
	}
	p := &b.parts[chosen]
	alone := !b.keyed && len(b.refused) == 0
	if alone || b.keyed && p.rank() < 0 || len(b.limits) > 0 || p.isAutoencoder() {
		p.e = p.e.asModel()
	}
}

// holds reports whether s contains a step of a class.
func (s Step) holds(class string) bool {
	return slices.ContainsFunc(s.Steps, func(inner Step) bool { return inner.Class == class || inner.holds(class) })
}

// listed returns the parts that the features file names as steps, in that order.
func (b *bundle) listed() ([]part, error) {
	var ordered []part
	steps := b.dropTarget()
	for i, key := range steps {
		at := slices.IndexFunc(b.parts, func(p part) bool { return p.key == key })
		switch {
		case at < 0 && slices.ContainsFunc(b.members, func(m member) bool { return m.key == key }):
			return nil, b.refuse("the step "+quoted(key)+" of the features file is no estimator", nameSteps(b.parts))
		case at < 0:
			return nil, b.refuse("the features file names a step "+quoted(key)+", which is not there", "name those that are")
		}
		p, last := b.parts[at], i == len(steps)-1
		if last {
			p.e = p.e.asModel()
		}
		if p.predicts() != last && p.e.transformer == nil || last && !p.predicts() {
			return nil, b.refuse("the last of the steps in the features file has to be the one that predicts, and only that", nameSteps(b.parts))
		}
		ordered = append(ordered, p)
	}
	return ordered, nil
}

// transforming are the packages of scikit-learn whose classes transform rows.
var transforming = []string{"preprocessing", "decomposition", "impute", "feature_selection", "feature_extraction", "compose", "pipeline", "kernel_approximation", "random_projection", "manifold", "cross_decomposition"}

// unknownTransformer returns the key of a member that may be a transformer, but whose
// class is not supported. It returns "" if there is none.
func (b *bundle) unknownTransformer() string {
	for _, m := range b.members {
		o, ok := m.value.(*pickle.Object)
		if !ok || b.estimates(o) || slices.Contains([]string{"LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"}, o.Class.Name) {
			continue
		}
		if parts := strings.Split(o.Class.Module, "."); len(parts) > 1 && parts[0] == "sklearn" && slices.Contains(transforming, parts[1]) {
			return m.key
		}
	}
	return ""
}

// nameSteps returns the advice to name the parts as steps in the features file.
func nameSteps(parts []part) string {
	keys := make([]string, len(parts))
	for i, p := range parts {
		keys[i] = quoted(p.key)
	}
	return fmt.Sprintf(`write one Pipeline of them, make_pipeline(scaler, model), or name them in their order in the features file, as in "steps": [%s]`, strings.Join(keys, ", "))
}

// targetWords are names that people give to the target of a regressor.
var targetWords = []string{"y", "target", "targets", "output", "outputs", "label", "labels", "response"}

// takeTarget sets b.target to the transformer of a regressor's target, if exactly one
// has a key that says so. It returns the other transformers.
func (b *bundle) takeTarget(before []part, last part) []part {
	if !b.keyed || last.e.kind != predict.Regressor {
		return before
	}
	isTarget := func(p part) bool {
		return p.e.fits(1) && p.e.invertible() && slices.ContainsFunc(keyWords(p.key), func(w string) bool { return slices.Contains(targetWords, w) })
	}
	at := slices.IndexFunc(before, isTarget)
	if at < 0 || slices.ContainsFunc(before[at+1:], isTarget) {
		return before
	}
	b.target = &before[at]
	return slices.Concat(before[:at], before[at+1:])
}

// dropTarget returns the steps that the features file names. If the last one is a
// transformer and the one before it a regressor, the last one transforms the target: it
// becomes b.target and is left out.
func (b *bundle) dropTarget() []string {
	at := func(key string) int { return slices.IndexFunc(b.parts, func(p part) bool { return p.key == key }) }
	n := len(b.steps)
	if n < 2 {
		return b.steps
	}
	last, regressor := at(b.steps[n-1]), at(b.steps[n-2])
	if last < 0 || regressor < 0 || b.parts[last].predicts() || !b.parts[last].e.fits(1) || !b.parts[last].e.invertible() ||
		!b.parts[regressor].predicts() || b.parts[regressor].e.kind != predict.Regressor {
		return b.steps
	}
	b.target = &b.parts[last]
	return b.steps[:n-1]
}

// maxOrders is the largest number of transformers of which every order is tried.
const maxOrders = 5

// inOrder returns the transformers in the order that their keys say, if their widths fit.
// Otherwise it returns the one order in which all widths fit. It returns nil if the keys say
// none, and no order fits or several do.
func inOrder(before []part, last part) []part {
	ordered := slices.Clone(before)
	slices.SortStableFunc(ordered, func(a, b part) int { return a.rank() - b.rank() })
	clear := true
	for i := range ordered {
		clear = clear && (len(before) < 2 || ordered[i].rank() >= 0) && (i == 0 || ordered[i].rank() != ordered[i-1].rank())
	}
	var found [][]part
	if len(before) <= maxOrders {
		fitting(nil, before, last, true, &found)
		if len(found) == 0 {
			fitting(nil, before, last, false, &found)
		}
	}
	switch {
	case len(found) == 1 && !losesNames(found[0]):
		return found[0]
	case len(found) == 1:
		return nil
	case clear: // of a width that does not fit, the error of the chain says which
		return ordered
	}
	return nil
}

// losesNames reports whether a transformer was fitted on names of columns, and one before it
// without, though the array that a transformer returns has no names. Then the order may be another.
func losesNames(ordered []part) bool {
	lost := false
	for _, p := range ordered {
		if lost && p.names != nil {
			return true
		}
		lost = lost || p.names == nil && !strings.HasSuffix(p.step.Class, ".FunctionTransformer") && len(p.step.Steps) == 0
	}
	return false
}

// fitting appends to found each order of rest, after taken, in which each transformer
// takes as many columns as the one before it returns. If ranked, transformers whose keys say
// their rank stay in the order of these ranks.
func fitting(taken, rest []part, last part, ranked bool, found *[][]part) {
	fits := func(p part) bool {
		if len(taken) == 0 {
			return true
		}
		gives := taken[len(taken)-1].e.out
		return gives == anyWidth || p.e.fits(gives)
	}
	if len(rest) == 0 {
		if fits(last) {
			*found = append(*found, slices.Clone(taken))
		}
		return
	}
	for i, p := range rest {
		later := func(q part) bool { return ranked && q.rank() >= 0 && p.rank() >= 0 && q.rank() < p.rank() }
		others := slices.Concat(rest[:i], rest[i+1:])
		if fits(p) && !slices.ContainsFunc(others, later) {
			fitting(append(taken[:len(taken):len(taken)], p), others, last, ranked, found)
		}
	}
}
