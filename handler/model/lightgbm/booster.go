package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Booster is the content of a model file.
type Booster struct {
	Version      string   // of the format: v2 to v4
	Features     int      // columns of a row
	FeatureNames []string // nil if LightGBM made them up
	Trees        int

	objective    objective
	outputs      int  // trees of an iteration, one for each output
	average      bool // boosting='rf': sums are divided by the number of iterations
	trees        []tree
	categories   [][]float64 // the categories of each column in categorical, from pandas
	categorical  []int       // columns whose pandas type is category
	featureInfos string      // the line feature_infos
	linear       bool        // linear_tree=True
}

// tree is a tree. Its leaves come after its other nodes.
type tree struct {
	nodes  []forest.ValueNode[float64]
	values []float64 // a number for each node, used for leaves
}

// Limits of the numbers in a file.
const (
	maxFeatures = 1 << 20
	maxOutputs  = 1 << 14
)

// ErrUnsupported is wrapped by errors for a well-formed model with something in it that
// this package does not compute.
var ErrUnsupported = errors.New("not supported")

type refused struct{ text string }

func (e *refused) Error() string        { return e.text }
func (e *refused) Is(target error) bool { return target == ErrUnsupported }

// unsupported returns an error that wraps [ErrUnsupported]: what is refused, and what to do
// instead.
func unsupported(what, instead string) error {
	return &refused{what + " is not supported: " + instead}
}

// Read returns the model in data. It takes the memory that it allocates from the budget.
func Read(data []byte, budget *pickle.Budget) (*Booster, error) {
	b := new(Booster)
	r := &reader{Booster: b, lines: lines{data: data}, budget: budget}
	err := r.header()
	if err == nil {
		err = r.allTrees()
	}
	if err == nil {
		err = r.rest()
	}
	if err == nil {
		err = b.check()
	}
	if err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	return b, nil
}

func (b *Booster) check() error {
	switch {
	case b.linear:
		return unsupported("a model of linear trees (linear_tree=True)", "fit with linear_tree=False")
	case len(b.trees) == 0:
		return errors.New("it has no tree: fit it before writing it")
	case len(b.trees)%b.outputs != 0:
		return fmt.Errorf("%d trees are no iterations of %d", len(b.trees), b.outputs)
	}
	b.Trees = len(b.trees)
	return nil
}

// node returns the node for a split by its decision_type (include/LightGBM/tree.h). Bit 0 is
// set for a split by categories, and bit 1 if missing numbers go left. Bits 2 and 3 say
// which numbers are missing.
func node(decision int, threshold float64) (forest.ValueNode[float64], error) {
	const (
		defaultLeft = 1 << 1
		none        = 0
		zero        = 1
		nan         = 2
	)
	left := decision&defaultLeft != 0
	n := forest.ValueNode[float64]{Threshold: threshold, NaNLeft: left}
	switch decision >> 2 & 3 {
	case none: // NaN counts as 0
		n.NaNLeft = 0 <= threshold
	case zero: // NaN counts as 0, and 0 is missing
		n.ZeroMissing = true
	case nan:
	default:
		return n, fmt.Errorf("decision_type %d", decision)
	}
	if math.IsNaN(threshold) {
		n.Categories = new(forest.Set) // an empty set: all numbers go right
	}
	return n, nil
}
