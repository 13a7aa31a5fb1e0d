package xgboost

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Booster is a model as it was read.
type Booster struct {
	Version      Version
	Kind         string // gbtree, dart or gblinear
	Objective    string
	Features     int
	FeatureNames []string // nil if there are none
	// Attributes are what Booster.set_attr has set, such as best_iteration.
	Attributes map[string]string

	classes   int // num_class
	targets   int // num_target
	baseScore []float32
	trees     []tree
	groups    []int32 // the output of each tree
	parallel  int     // trees in each iteration, for each output
	starts    []int32 // of the iterations in trees, then its end; nil in old files
	drop      []float32
	weights   []float32 // of gblinear
	encoded   bool      // categories are numbered as in the file
}

// Version is major and minor version of XGBoost: 103 is 1.3. Before 1.0 files
// had none: 0.
type Version int

func (v Version) String() string {
	if v == 0 {
		return "0.90 or earlier"
	}
	return fmt.Sprintf("%d.%d", v/100, v%100)
}

// tree is a tree with its nodes from the root on, none but those that are
// reached.
type tree struct {
	nodes  []forest.ValueNode[float32]
	values []float32
}

// Outputs returns how many numbers a row gets: 1, or one for each class.
func (b *Booster) Outputs() int { return max(b.classes, b.targets, 1) }

// Trees returns the number of trees.
func (b *Booster) Trees() int { return len(b.trees) }

// Bounds on what a file may say of itself.
const (
	maxFeatures = 1 << 20
	maxOutputs  = 1 << 14
)

// Read returns the model in data. What it allocates is taken off the budget.
func Read(data []byte, budget *pickle.Budget) (*Booster, error) {
	b := &Booster{targets: 1, parallel: 1}
	err := b.read(data, budget)
	if err == nil {
		err = b.check()
	}
	if err != nil {
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	return b, nil
}

func (b *Booster) read(data []byte, budget *pickle.Budget) error {
	switch Sniff(data) {
	case JSON:
		return b.readDocument(&textReader{data: data}, budget)
	case UBJSON:
		return b.readDocument(&binaryReader{data: data}, budget)
	case Legacy:
		return b.readLegacy(data, budget)
	}
	return errors.New("it begins as none of JSON, UBJSON and the binary format")
}

// check returns an error unless the parts fit each other.
func (b *Booster) check() error {
	switch {
	case b.Features < 1 || b.Features > maxFeatures:
		return fmt.Errorf("%d features: 1 to %d are supported", b.Features, maxFeatures)
	case b.classes < 0 || b.classes > maxOutputs || b.targets < 0 || b.targets > maxOutputs:
		return fmt.Errorf("%d classes and %d targets: up to %d are supported", b.classes, b.targets, maxOutputs)
	case len(b.FeatureNames) != 0 && len(b.FeatureNames) != b.Features:
		return fmt.Errorf("%d names for %d features", len(b.FeatureNames), b.Features)
	case b.targets > 1:
		return unsupported("several outputs for a row (num_target=%d), as of several targets or quantiles: fit a model for each", b.targets)
	case b.encoded:
		return unsupported("categories that are no numbers from 0 on (of a DataFrame, as 3.1 and later keep them): encode them before, by OrdinalEncoder")
	}
	if err := b.checkBaseScore(); err != nil {
		return err
	}
	if b.Kind == "gblinear" {
		if len(b.weights) != (b.Features+1)*b.Outputs() {
			return fmt.Errorf("%d weights for %d features and %d outputs", len(b.weights), b.Features, b.Outputs())
		}
		return nil
	}
	switch {
	case b.Kind != "gbtree" && b.Kind != "dart":
		return unsupported("booster %.40q: it is one of gbtree, dart and gblinear", b.Kind)
	case len(b.trees) == 0:
		return errors.New("it has no tree: fit it before writing it")
	case len(b.groups) != len(b.trees):
		return fmt.Errorf("%d trees, but the outputs of %d", len(b.trees), len(b.groups))
	case len(b.drop) != 0 && len(b.drop) != len(b.trees):
		return fmt.Errorf("%d trees, but the weights of %d", len(b.trees), len(b.drop))
	case b.Kind == "dart" && len(b.drop) == 0:
		return errors.New("a dart booster without the weights of its trees")
	}
	return nil
}

func (b *Booster) checkBaseScore() error {
	n := b.Outputs()
	if len(b.baseScore) == 1 {
		b.baseScore = slices.Repeat(b.baseScore, n)
	}
	if len(b.baseScore) != n {
		return fmt.Errorf("%d values of base_score for %d outputs", len(b.baseScore), n)
	}
	for _, v := range b.baseScore {
		if v-v != 0 {
			return fmt.Errorf("base_score is %v", v)
		}
	}
	return nil
}

// iterations returns how many trees so many iterations have; all for 0. Before
// 1.4 parallel trees are iterations of their own, as ntree_limit counts them.
func (b *Booster) iterations(n int) int {
	all := len(b.trees)
	switch {
	case n <= 0 || n > all:
		return all
	case b.Version < InplaceSince:
		return min(all, n*b.Outputs())
	case b.starts != nil:
		return int(b.starts[min(n, len(b.starts)-1)])
	}
	return min(all, n*min(b.parallel, all)*b.Outputs())
}

// refused is an error for what is well formed, but not scored.
type refused struct{ text string }

func (e *refused) Error() string { return e.text }

// ErrUnsupported is wrapped by the errors for what a model has that is not
// scored here.
var ErrUnsupported = errors.New("not supported")

func (e *refused) Is(target error) bool { return target == ErrUnsupported }

// unsupported returns an error for something, with what to do after a colon.
func unsupported(format string, args ...any) error {
	what, instead := cutLast(fmt.Sprintf(format, args...))
	return &refused{what + " is not supported: " + instead}
}

// cutLast cuts at the last colon that a blank follows.
func cutLast(s string) (before, after string) {
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] == ':' && s[i+1] == ' ' {
			return s[:i], s[i+2:]
		}
	}
	return s, "fit another model"
}

// rawTree is a tree as the formats have it, in arrays with an element for each
// node, which are used again for the next.
type rawTree struct {
	left, right, feature, defaultLeft, splitType []int32
	condition                                    []float32 // of a leaf its value
	categoryNodes, categoryFrom, categoryCount   []int32
	categories                                   []int32
	leafVector                                   int
	reached                                      []bool
}

func (r *rawTree) reset() {
	for _, p := range []*[]int32{&r.left, &r.right, &r.feature, &r.defaultLeft, &r.splitType, &r.categoryNodes, &r.categoryFrom, &r.categoryCount, &r.categories} {
		*p = (*p)[:0]
	}
	r.condition, r.leafVector = r.condition[:0], 0
}

// nodeSize is about what a node takes: itself, its place among those that are
// reached, and later in the packed forest.
const nodeSize = 48 + 4 + 4 + 20

// build returns the tree of the nodes that are reached from the first. Pruning
// leaves others.
func (r *rawTree) build(budget *pickle.Budget) (tree, error) {
	n := len(r.left)
	switch {
	case r.leafVector > 1:
		return tree{}, unsupported("trees of several outputs (multi_strategy='multi_output_tree'): fit with one_output_per_tree")
	case n == 0:
		return tree{}, errors.New("it has no node")
	case len(r.right) != n, len(r.feature) != n, len(r.condition) != n, len(r.defaultLeft) != n, len(r.splitType) != n && len(r.splitType) != 0:
		return tree{}, errors.New("its arrays are not of one length")
	}
	if err := budget.Take(n * nodeSize); err != nil {
		return tree{}, err
	}
	sets, err := r.sets(budget)
	if err != nil {
		return tree{}, err
	}
	t := tree{nodes: make([]forest.ValueNode[float32], 0, n), values: make([]float32, 0, n)}
	order := make([]int32, 1, n)
	r.reached = append(r.reached[:0], make([]bool, n)...)
	r.reached[0] = true
	for at := 0; at < len(order); at++ {
		i := order[at]
		left, right := r.left[i], r.right[i]
		if left == -1 {
			t.nodes = append(t.nodes, forest.ValueNode[float32]{Left: forest.Leaf, Right: forest.Leaf})
			t.values = append(t.values, r.condition[i])
			continue
		}
		if left < 0 || right < 0 || int(left) >= n || int(right) >= n {
			return tree{}, fmt.Errorf("node %d: its children %d and %d are not two of %d nodes", i, left, right, n)
		}
		if r.reached[left] || r.reached[right] || left == right {
			return tree{}, fmt.Errorf("node %d: of its children %d and %d one has another parent", i, left, right)
		}
		r.reached[left], r.reached[right] = true, true
		node := forest.ValueNode[float32]{Left: len(order), Right: len(order) + 1, Feature: int(r.feature[i]), NaNLeft: r.defaultLeft[i] != 0}
		order = append(order, left, right)
		switch {
		case len(r.splitType) > 0 && r.splitType[i] == 1:
			if node.Categories = sets[i]; node.Categories == nil {
				return tree{}, fmt.Errorf("node %d splits by categories, but has none", i)
			}
		case len(r.splitType) > 0 && r.splitType[i] != 0:
			return tree{}, fmt.Errorf("node %d: a split of type %d", i, r.splitType[i])
		default:
			node.Threshold, node.Categories = below(r.condition[i])
		}
		t.nodes, t.values = append(t.nodes, node), append(t.values, 0)
	}
	return t, nil
}

// never sends no number left.
var never = new(forest.Set)

// below returns what sends left the numbers below c: the next number down, or,
// where there is none, a set.
func below(c float32) (threshold float32, set *forest.Set) {
	if c != c || math.IsInf(float64(c), -1) {
		return 0, never
	}
	return math.Nextafter32(c, float32(math.Inf(-1))), nil
}

// maxCategory is the first number that XGBoost takes for no category
// (OutOfRangeCat in src/common/categorical.h).
const maxCategory = 1 << 24

// sets returns the categories of the nodes that split by such. Those in the set
// go right; what is no category goes left (Decision in
// src/common/categorical.h).
func (r *rawTree) sets(budget *pickle.Budget) (map[int32]*forest.Set, error) {
	if len(r.categoryNodes) == 0 {
		return nil, nil
	}
	if len(r.categoryFrom) != len(r.categoryNodes) || len(r.categoryCount) != len(r.categoryNodes) {
		return nil, errors.New("its arrays of categories are not of one length")
	}
	if err := budget.Take(100 * len(r.categoryNodes)); err != nil {
		return nil, err
	}
	sets := make(map[int32]*forest.Set, len(r.categoryNodes))
	for i, node := range r.categoryNodes {
		from, to := int(r.categoryFrom[i]), int(r.categoryFrom[i])+int(r.categoryCount[i])
		if from < 0 || to <= from || to > len(r.categories) {
			return nil, fmt.Errorf("node %d: its categories are those from %d to %d of %d", node, from, to, len(r.categories))
		}
		members := r.categories[from:to]
		if low, high := slices.Min(members), slices.Max(members); low < 0 || high >= maxCategory {
			return nil, fmt.Errorf("node %d: %d to %d are no categories", node, low, high)
		}
		words := int(slices.Max(members))/32 + 1
		if err := budget.Take(4 * words); err != nil {
			return nil, err
		}
		set := &forest.Set{Bits: make([]uint32, words), Others: true, Inverted: true}
		for _, c := range members {
			set.Bits[c/32] |= 1 << (c % 32)
		}
		sets[node] = set
	}
	return sets, nil
}
