package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Booster is a model as it was read.
type Booster struct {
	Version      string // of the format: v2 to v4
	Features     int
	FeatureNames []string
	Trees        int

	objective    objective
	outputs      int // trees of an iteration, one for each output
	average      bool
	trees        []tree
	categories   [][]float64 // those of a DataFrame, by the columns below
	categorical  []int
	featureInfos string
	linear       bool
}

// tree is a tree with its nodes, of which leaves come last, and their values.
type tree struct {
	nodes  []forest.ValueNode[float64]
	values []float64
}

// Bounds on what a file may say of itself.
const (
	maxFeatures = 1 << 20
	maxOutputs  = 1 << 14
)

// ErrUnsupported is wrapped by the errors for what a model has that is not
// scored here.
var ErrUnsupported = errors.New("not supported")

type refused struct{ text string }

func (e *refused) Error() string        { return e.text }
func (e *refused) Is(target error) bool { return target == ErrUnsupported }

// unsupported returns an error for something, with what to do.
func unsupported(what, instead string) error {
	return &refused{what + " is not supported: " + instead}
}

// Read returns the model in data. What it allocates is taken off the budget.
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

// node returns the node for a split: by its decision_type, a bit each for
// categories and for where missing numbers go, and two for what is missing
// (include/LightGBM/tree.h).
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
	case none: // NaN is 0
		n.NaNLeft = 0 <= threshold
	case zero: // NaN is 0, and that is missing
		n.ZeroMissing = true
	case nan:
	default:
		return n, fmt.Errorf("decision_type %d", decision)
	}
	if math.IsNaN(threshold) {
		n.Categories = new(forest.Set) // sends nothing left
	}
	return n, nil
}
