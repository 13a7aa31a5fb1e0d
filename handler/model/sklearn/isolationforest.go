package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// isolationForest is sklearn.ensemble.IsolationForest.
type isolationForest struct {
	*forest.Forest
	trees   float64
	average float64 // the average path length for the number of samples of a tree
	offset  float64 // offset_; with 0.19 threshold_
	version version
}

func loadIsolationForest(a *attrs) *element {
	if a.version >= 20 && a.version < 22 && a.value("behaviour") != any("new") {
		a.refuse("behaviour='old'", "fit it with behaviour='new', or with a later scikit-learn")
	}
	if a.in.n == 0 {
		a.featuresFrom("n_features_") // before 0.24
	}
	n := a.in.n
	s := &isolationForest{version: a.version}
	length, average := forest.PathLength, forest.AveragePathLength
	if a.version < 21 {
		length, average = forest.PathLength019, forest.AveragePathLength019
	}
	trees := a.trees(n)
	if a.err != nil {
		return nil
	}
	var err error
	if s.Forest, err = forest.New(n, trees, length); err != nil {
		a.fail("%w", err)
		return nil
	}
	samples := "max_samples_"
	if a.version >= 104 && a.has("_max_samples") {
		samples = "_max_samples"
	}
	s.trees, s.average = float64(len(trees)), average(a.count(samples))
	if a.version < 20 {
		s.offset = a.finite("threshold_")
	} else {
		s.offset = a.finite("offset_")
	}
	a.note("trees", len(trees))
	a.note("samples_per_tree", a.count(samples))
	e := &element{role: detects, predictor: s, accepts: finite32, size: s.Size()}
	if a.version >= nanInForest {
		e.accepts = anyNumber
	}
	return e
}

// nanInForest is the first version in which IsolationForest accepts NaN and infinite
// numbers.
const nanInForest version = 106

// trees reads the trees. A tree has the columns that it was fitted on if these are not
// all n.
func (a *attrs) trees(n int) []forest.Tree {
	estimators := a.items("estimators_")
	columns := a.items("estimators_features_")
	if len(columns) != len(estimators) {
		a.fail("%d trees, but columns for %d", len(estimators), len(columns))
		return nil
	}
	if err := a.budget.Take(64 * len(estimators)); err != nil {
		a.fail("%w", err)
		return nil
	}
	// Scikit-learn selects columns only if they are fewer than all. If they are as many,
	// it ignores their order and repetitions.
	subset := a.int("_max_features") != n
	trees := make([]forest.Tree, 0, len(estimators))
	for i := range estimators {
		t, err := a.tree(estimators[i], columns[i], subset, a.version)
		if err != nil {
			a.fail("tree %d: %w", i, err)
			return nil
		}
		trees = append(trees, t)
	}
	return trees
}

// tree reads tree_ of an ExtraTreeRegressor.
func (l *loader) tree(estimator, columns any, subset bool, version version) (forest.Tree, error) {
	var t forest.Tree
	o, ok := estimator.(*pickle.Object)
	if !ok || o.Class.Name != "ExtraTreeRegressor" {
		return t, fmt.Errorf("it is no ExtraTreeRegressor")
	}
	inner, _ := o.Attr("tree_")
	tree, ok := inner.(*pickle.Object)
	if !ok || tree.Class.Name != "Tree" {
		return t, fmt.Errorf("it has no tree_")
	}
	var err error
	if subset {
		if t.Features, err = l.ints(columns); err != nil {
			return t, err
		}
	}
	v, _ := tree.Attr("nodes")
	t.Nodes, err = l.nodes(v, version >= nanInForest)
	return t, err
}

// ints returns an array of integers.
func (l *loader) ints(v any) ([]int, error) {
	array, err := numpy.Parse(v)
	if err != nil {
		return nil, err
	}
	wide, err := array.Ints(l.budget)
	narrow := make([]int, len(wide))
	for i, n := range wide {
		narrow[i] = int(n)
	}
	return narrow, err
}

// nodes reads the nodes of a tree by the names of their fields, because their layout
// differs between versions. Nan says that they have missing_go_to_left.
func (l *loader) nodes(v any, nan bool) ([]forest.Node, error) {
	records, err := numpy.Parse(v)
	if err != nil {
		return nil, err
	}
	fields := make([]numpy.FieldReader, 5)
	for i, name := range []string{"left_child", "right_child", "feature", "threshold", "n_node_samples"} {
		if fields[i], err = records.Field(name); err != nil {
			return nil, err
		}
	}
	nanLeft := func(int) bool { return false }
	if nan {
		field, err := records.Field("missing_go_to_left")
		if err != nil {
			return nil, err
		}
		nanLeft = func(i int) bool { return field.Float(i) != 0 }
	}
	// The memory of the nodes, and of the forest built from them.
	if err := l.budget.Take(64 * records.Len()); err != nil {
		return nil, err
	}
	nodes := make([]forest.Node, records.Len())
	for i := range nodes {
		nodes[i] = forest.Node{
			Left: int(fields[0].Float(i)), Right: int(fields[1].Float(i)), Feature: int(fields[2].Float(i)),
			Threshold: fields[3].Float(i), NaNLeft: nanLeft(i), Samples: int(fields[4].Float(i)),
		}
	}
	return nodes, nil
}

// anomaly sets dst to the anomaly score of Liu, Ting and Zhou, Isolation Forest, which is
// between 0 and 1.
func (s *isolationForest) anomaly(dst, x []float64) {
	s.PathLengths(dst, x)
	for i, length := range dst {
		power := -length / float64(s.trees*s.average)
		switch {
		case s.version < 21:
			power = -(length / s.trees) / s.average
		case s.average == 0 && s.version >= 100:
			power = -1 // trees of a single sample
		}
		dst[i] = libm.Exp2(power)
	}
}

// tie is the largest difference between a score and the threshold at which the two count
// as equal. With a number for contamination the threshold is the score of a fitted row,
// and many rows may have that score. Numpy's power and logarithm differ in the last bits
// between processors, so a score that is equal in scikit-learn may differ here.
const tie = 4 * epsilon

func (s *isolationForest) predict(out outcome, x []float64, n int, a *arena) error {
	pred, score := out.predictionsAndScores(n, a)
	s.anomaly(score, x)
	if s.version < 20 {
		for i, v := range score {
			if score[i] = 0.5 - v; math.Abs(score[i]-s.offset) <= tie {
				score[i] = s.offset
			}
			pred[i] = 0
			if score[i] <= s.offset {
				pred[i] = 1
			}
		}
		return nil
	}
	for i, v := range score {
		if score[i] = -v - s.offset; s.offset != -0.5 && math.Abs(score[i]) <= tie {
			score[i] = 0
		}
	}
	negatives(pred, score)
	return nil
}

func (s *isolationForest) scoreSamples(dst, x []float64, _ *arena) error {
	if s.version < 20 {
		return errNoScoreSamples
	}
	s.anomaly(dst, x)
	for i, v := range dst {
		dst[i] = -v
	}
	return nil
}
