package xgboost

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Booster is the content of a model file.
type Booster struct {
	Version      Version
	Kind         string // gbtree, dart or gblinear
	Objective    string
	Features     int      // columns of a row
	FeatureNames []string // nil if there are none
	// Attributes are those of Booster.attributes, best_iteration for instance.
	Attributes map[string]string

	classes   int // num_class
	targets   int // num_target
	baseScore []float32
	trees     []tree
	groups    []int32   // per tree: its output
	parallel  int       // num_parallel_tree: trees of an iteration for each output
	starts    []int32   // the first tree of each iteration, then the number of trees; nil in old files
	drop      []float32 // per tree: its weight, of dart
	weights   []float32 // of gblinear: a row for each feature, then the biases
	encoded   bool      // the file maps categories of pandas to codes
}

// Version is a version of XGBoost: 100 times the major version plus the minor one. It is 0
// for files written before 1.0, which do not say it.
type Version int

func (v Version) String() string {
	if v == 0 {
		return "0.90 or earlier"
	}
	return fmt.Sprintf("%d.%d", v/100, v%100)
}

// tree is a tree. It has only the nodes that are reached from the root.
type tree struct {
	nodes  []forest.ValueNode[float32]
	values []float32
}

// Outputs returns the number of sums of a row: 1, or one for each class.
func (b *Booster) Outputs() int { return max(b.classes, b.targets, 1) }

// Trees returns the number of trees.
func (b *Booster) Trees() int { return len(b.trees) }

// Limits of the numbers in a file.
const (
	maxFeatures = 1 << 20
	maxOutputs  = 1 << 14
)

// Read returns the model in data. It takes the memory that it allocates from the budget.
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

// check returns an error unless the parts of the model agree.
func (b *Booster) check() error {
	switch {
	case b.Features < 1 || b.Features > maxFeatures:
		return fmt.Errorf("%d features: 1 to %d are supported", b.Features, maxFeatures)
	case b.classes < 0 || b.classes > maxOutputs || b.targets < 0 || b.targets > maxOutputs:
		return fmt.Errorf("%d classes and %d targets: up to %d are supported", b.classes, b.targets, maxOutputs)
	case len(b.FeatureNames) != 0 && len(b.FeatureNames) != b.Features:
		return fmt.Errorf("%d names for %d features", len(b.FeatureNames), b.Features)
	case b.targets > 1:
		return unsupported("a model of %d targets or quantiles (num_target): fit a model for each", b.targets)
	case b.encoded:
		return unsupported("a model that maps categories of pandas to codes, as 3.1 and later write it: encode the columns with OrdinalEncoder first")
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

// iterations returns the number of trees of the first n iterations, or of all if n is 0.
// Before 1.4 n is ntree_limit, which counts each parallel tree as an iteration.
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

// refused is an error that wraps [ErrUnsupported] without repeating its text.
type refused struct{ text string }

func (e *refused) Error() string { return e.text }

// ErrUnsupported is wrapped by errors for a well-formed model with something in it that
// this package does not compute.
var ErrUnsupported = errors.New("not supported")

func (e *refused) Is(target error) bool { return target == ErrUnsupported }

// unsupported returns an error that wraps [ErrUnsupported]. The text is what is refused, a
// colon, and what to do instead.
func unsupported(format string, args ...any) error {
	what, instead := cutLast(fmt.Sprintf(format, args...))
	return &refused{what + " is not supported: " + instead}
}

// cutLast cuts s at its last colon that is followed by a blank.
func cutLast(s string) (before, after string) {
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] == ':' && s[i+1] == ' ' {
			return s[:i], s[i+2:]
		}
	}
	return s, "fit another model"
}

// rawTree is a tree as the formats store it: arrays with an element for each node. Its
// memory is reused for the next tree.
type rawTree struct {
	left, right, feature, defaultLeft, splitType []int32
	condition                                    []float32 // the threshold, or the value of a leaf
	categoryNodes, categoryFrom, categoryCount   []int32   // for each node with categories: their range
	categories                                   []int32
	leafVector                                   int    // size_leaf_vector
	reached                                      []bool // in build: nodes that have a parent
}

func (r *rawTree) reset() {
	for _, p := range []*[]int32{&r.left, &r.right, &r.feature, &r.defaultLeft, &r.splitType, &r.categoryNodes, &r.categoryFrom, &r.categoryCount, &r.categories} {
		*p = (*p)[:0]
	}
	r.condition, r.leafVector = r.condition[:0], 0
}

// nodeSize is about how many bytes a node takes: in tree, in the order of build, and later
// in the packed forest.
const nodeSize = 48 + 4 + 4 + 20

// build returns the tree of the nodes that are reached from the root. Pruning leaves other
// nodes in the arrays.
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

// never is an empty set: no number goes left.
var never = new(forest.Set)

// below converts XGBoost's x < c to x <= threshold, where the threshold is the next smaller
// number. If there is none, it returns an empty set.
func below(c float32) (threshold float32, set *forest.Set) {
	if c != c || math.IsInf(float64(c), -1) {
		return 0, never
	}
	return math.Nextafter32(c, float32(math.Inf(-1))), nil
}

// maxCategory is the smallest number that is too large for a category (OutOfRangeCat in
// src/common/categorical.h).
const maxCategory = 1 << 24

// sets returns the categories of each node that splits by categories. Categories in the set
// go right. Other categories, and numbers that are none, go left (Decision in
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
