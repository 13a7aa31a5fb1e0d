package sklearn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// valueForest is a forest of scikit-learn: rows are rounded to float32, and the values of
// leaves are float64.
type valueForest = forest.Values[float32, float64]

// valueTree is a tree of a valueForest.
type valueTree = forest.ValueTree[float32, float64]

// The first versions in which trees, forests and extremely randomised trees accept NaN.
// Nodes have missing_go_to_left since nanInTrees.
const (
	nanInTrees      version = 103
	nanInForests    version = 104
	nanInExtraTrees version = 106
)

// fractions is the first version in which a leaf of a classification tree holds the share
// of each class. Before, it holds the number of samples of each class.
const fractions version = 104

// treeReader reads fitted trees.
type treeReader struct {
	*loader
	version version
	nan     bool // nodes have missing_go_to_left
}

// read reads tree_ of an estimator: its nodes, and width values for each node.
func (r treeReader) read(v any, width int) (valueTree, error) {
	var t valueTree
	o, ok := v.(*pickle.Object)
	if !ok || !strings.HasPrefix(o.Class.Module, "sklearn.tree.") {
		return t, errors.New("it is no tree of scikit-learn's")
	}
	inner, _ := o.Attr("tree_")
	tree, ok := inner.(*pickle.Object)
	if !ok || tree.Class.Name != "Tree" {
		return t, errors.New("it has no tree_: fit it before writing it")
	}
	nodes, _ := tree.Attr("nodes")
	all, err := r.nodes(nodes, r.nan)
	if err != nil {
		return t, err
	}
	values, _ := tree.Attr("values")
	array, err := numpy.Parse(values)
	if err != nil {
		return t, err
	}
	if len(array.Shape) == 3 && array.Shape[1] > 1 {
		return t, &unsupported{"a tree of several outputs is not supported: " + oneOutput}
	}
	if !array.Equal(len(all), 1, width) {
		return t, fmt.Errorf("values of the shape %v for %d nodes and %d values", array.Shape, len(all), width)
	}
	if t.Values, err = array.Floats(r.budget); err != nil {
		return t, err
	}
	for i, v := range t.Values {
		if v-v != 0 {
			return t, fmt.Errorf("node %d has the value %v", i/width, v)
		}
	}
	// The memory of these nodes, and of those of the forest built from them.
	if err := r.budget.Take(96 * len(all)); err != nil {
		return t, err
	}
	t.Nodes = make([]forest.ValueNode[float32], len(all))
	for i, n := range all {
		t.Nodes[i] = forest.ValueNode[float32]{
			Left: n.Left, Right: n.Right, Feature: n.Feature, Threshold: forest.Floor32(n.Threshold), NaNLeft: n.NaNLeft,
		}
	}
	return t, nil
}

// toProbabilities divides each row of values by its sum. Before the version fractions
// scikit-learn did so when it predicted.
func toProbabilities(values []float64, width int) {
	for ; len(values) > 0; values = values[width:] {
		sum := pairwiseSum(values[:width])
		if sum == 0 {
			continue
		}
		for k := range values[:width] {
			values[k] /= sum
		}
	}
}

// valueTrees reads a list of trees with width values for each node. Probabilities says
// that the values are those of a classifier.
func (a *attrs) valueTrees(items []any, width int, probabilities bool) []valueTree {
	r := treeReader{a.loader, a.version, a.version >= nanInTrees}
	if err := a.budget.Take(96 * len(items)); err != nil {
		a.fail("%w", err)
		return nil
	}
	trees := make([]valueTree, 0, len(items))
	for i, item := range items {
		t, err := r.read(item, width)
		if err != nil {
			a.fail("tree %d: %w", i, err)
			return nil
		}
		if probabilities && a.version < fractions {
			toProbabilities(t.Values, width)
		}
		trees = append(trees, t)
	}
	return trees
}

// valueForest builds a forest of trees with width values for each leaf.
func (a *attrs) valueForest(trees []valueTree, outputs, width int) *valueForest {
	if a.err != nil {
		return nil
	}
	f, err := forest.NewValues(a.in.n, outputs, width, trees)
	if err != nil {
		a.fail("%w", err)
	}
	return f
}

// forestWidth sets a.in from n_features_ if there is no n_features_in_, as before 0.24.
func (a *attrs) forestWidth() {
	if a.in.n == 0 {
		a.featuresFrom("n_features_")
	}
}

// averaged is a tree, or a forest that predicts the mean of its trees. For a classifier
// it is the mean of probabilities.
type averaged struct {
	*valueForest
	role
	divisor float64 // the number of trees; 0 for a single tree, which is not divided
}

func loadTreeClassifier(a *attrs) *element   { return a.averaged([]any{a.object}, true, true) }
func loadTreeRegressor(a *attrs) *element    { return a.averaged([]any{a.object}, false, true) }
func loadForestClassifier(a *attrs) *element { return a.averaged(a.items("estimators_"), true, false) }
func loadForestRegressor(a *attrs) *element  { return a.averaged(a.items("estimators_"), false, false) }

func (a *attrs) averaged(items []any, classes, alone bool) *element {
	a.forestWidth()
	m := &averaged{role: regresses}
	width := 1
	if classes {
		m.role = classifies(a.labels("classes_"), false, true)
		width = len(m.classes.names)
	}
	if a.int("n_outputs_") != 1 {
		a.refuse("several outputs", oneOutput)
	}
	if len(items) == 0 {
		a.fail("it has no trees")
	}
	m.valueForest = a.valueForest(a.valueTrees(items, width, classes), width, width)
	if a.err != nil {
		return nil
	}
	if !alone {
		m.divisor = float64(len(items))
	}
	a.note("trees", len(items))
	return &element{role: m.role, predictor: m, accepts: a.numbersInTrees(alone), size: m.Size()}
}

// numbersInTrees returns the numbers that a tree or forest accepts. NaN depends on the
// version, the class and the parameters of the fit.
func (a *attrs) numbersInTrees(alone bool) numbers {
	extra := strings.HasPrefix(a.class, "Extra")
	since := nanInForests
	switch {
	case extra:
		since = nanInExtraTrees
	case alone:
		since = nanInTrees
	}
	if a.version < since || a.has("monotonic_cst") {
		return finite32
	}
	if splitter, ok := a.optional("splitter").(string); ok && splitter == "random" && a.version < nanInExtraTrees {
		return finite32
	}
	switch a.value("criterion") {
	case "gini", "entropy", "log_loss", "squared_error", "friedman_mse", "poisson":
		return finite32OrNaN
	}
	return finite32
}

func (m *averaged) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	sums := out.proba
	switch {
	case m.kind != predict.Classifier:
		sums = out.pred
		if sums == nil {
			return nil
		}
	case sums == nil:
		sums = a.take(n * m.Outputs())
	}
	clear(sums)
	m.AddRounded(sums, x, m.Trees())
	if m.divisor != 0 {
		for i := range sums {
			sums[i] /= m.divisor
		}
	}
	if m.kind == predict.Classifier && out.pred != nil {
		mostProbable(out.pred, sums)
	}
	return nil
}
