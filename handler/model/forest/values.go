package forest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// Float is the precision in which a library compares or adds.
type Float interface{ float32 | float64 }

// Values is a forest whose leaves hold values, of which rows get sums. X is the
// precision of the comparison with thresholds, V that of the sum. It is safe
// for concurrent use.
type Values[X, V Float] struct {
	features, outputs, width int
	trees                    []valueTree
	slots                    []slot    // the columns of a group
	linked, wide             []uint64  // the nodes of the linked trees, and of the wide and special ones
	values                   []V       // width of them for each node
	rules                    []rule    // of the nodes of special trees
	sets                     []Set     // of the nodes with categories
	tops                     []top     // of each tree, those of linked ones; nil if they are not used
	scratch                  sync.Pool // of *scratch
}

// Set holds the categories, each a bit, that go left at a node.
type Set struct {
	Bits []uint32
	// Others says that numbers without a bit go left.
	Others bool
	// Inverted says that the bits are those that go right.
	Inverted bool
}

// ValueNode is a node: a row goes left where its feature is at most the
// threshold. A leaf has [Leaf] for both children.
type ValueNode[X Float] struct {
	Left, Right int
	Feature     int
	Threshold   X
	NaNLeft     bool // where NaN goes
	ZeroMissing bool // |x| up to 1e-35 goes there too
	Categories  *Set // instead of the threshold
}

// ValueTree is a tree; its root is the first node. Values holds, for each node,
// as many numbers as a leaf has; those of other nodes are not read.
type ValueTree[X, V Float] struct {
	Nodes  []ValueNode[X]
	Values []V
	Output int // to which the first value of a leaf is added
}

// zeroThreshold is the number up to which LightGBM takes one for zero, of float32
// (kZeroThreshold in include/LightGBM/meta.h).
const zeroThreshold = 0x1.a95a5cp-117

// NewValues returns the forest of trees over rows of so many features, for so
// many outputs, each leaf of which has width values. An error names the tree
// and node that cannot be.
func NewValues[X, V Float](features, outputs, width int, trees []ValueTree[X, V]) (*Values[X, V], error) {
	if features < 1 || width < 1 || outputs < width || outputs > math.MaxInt32 {
		return nil, fmt.Errorf("leaves of %d values, %d outputs and %d features cannot be", width, outputs, features)
	}
	sizes := make([]size, len(trees))
	for i, t := range trees {
		depth, err := t.check(features, outputs, width)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		sizes[i] = size{len(t.Nodes), depth, slices.ContainsFunc(t.Nodes, ValueNode[X].special)}
	}
	f, err := newPacker[X, V](features, outputs, width, sizes)
	if err != nil {
		return nil, err
	}
	for i, t := range trees {
		f.pack(t, sizes[i])
	}
	f.makeTops()
	return f.Values, nil
}

// check returns an error unless t is one tree: each node but the root is the
// child of exactly one, and all are reached from the root. It returns the edges to
// the deepest leaf.
func (t ValueTree[X, V]) check(features, outputs, width int) (depth int, err error) {
	switch {
	case len(t.Nodes) == 0:
		return 0, errors.New("it has no node")
	case len(t.Values) != len(t.Nodes)*width:
		return 0, fmt.Errorf("%d values for %d nodes of %d", len(t.Values), len(t.Nodes), width)
	case t.Output < 0 || t.Output > outputs-width:
		return 0, fmt.Errorf("output %d is not one of %d", t.Output, outputs)
	}
	depths := make([]int, len(t.Nodes))
	reached := make([]int, 1, len(t.Nodes))
	for at := 0; at < len(reached); at++ {
		i := reached[at]
		n := t.Nodes[i]
		depth = depths[i]
		if n.Left == Leaf && n.Right == Leaf {
			continue
		}
		if n.Feature < 0 || n.Feature >= features {
			return 0, fmt.Errorf("node %d: feature %d is not one of %d", i, n.Feature, features)
		}
		if n.Categories == nil && n.Threshold != n.Threshold {
			return 0, fmt.Errorf("node %d: its threshold is NaN", i)
		}
		for _, child := range [...]int{n.Left, n.Right} {
			if child < 0 || child >= len(depths) {
				return 0, fmt.Errorf("node %d: child %d is not one of %d nodes", i, child, len(depths))
			}
			if child == 0 || depths[child] > 0 {
				return 0, fmt.Errorf("node %d: child %d has another parent", i, child)
			}
			depths[child] = depth + 1
			reached = append(reached, child)
		}
	}
	return depth, nil
}

// Trees returns the number of trees.
func (f *Values[X, V]) Trees() int { return len(f.trees) }

// Features returns the number of columns that a row must have.
func (f *Values[X, V]) Features() int { return f.features }

// Outputs returns how many sums a row gets.
func (f *Values[X, V]) Outputs() int { return f.outputs }

// Size returns the bytes that f holds.
func (f *Values[X, V]) Size() int {
	size := int(unsafe.Sizeof(*f)) + int(unsafe.Sizeof(valueTree{}))*cap(f.trees) +
		8*(cap(f.linked)+cap(f.wide)) + int(unsafe.Sizeof(slot{}))*cap(f.slots) +
		int(unsafe.Sizeof(rule(0)))*cap(f.rules) + int(unsafe.Sizeof(top{}))*cap(f.tops)
	for _, s := range f.sets {
		size += int(unsafe.Sizeof(s)) + 4*len(s.Bits)
	}
	var v V
	return size + int(unsafe.Sizeof(v))*cap(f.values)
}

// goesLeft reports whether x, which is not NaN, has a bit that sends it left.
func (s *Set) goesLeft(x float64) bool {
	if x <= -1 || x >= float64(32*len(s.Bits)) || len(s.Bits) == 0 {
		return s.Others
	}
	if x < 0 && s.Inverted { // XGBoost takes every negative number for no category
		return s.Others
	}
	category := int(x)
	return s.Bits[category/32]>>(category%32)&1 == 1 != s.Inverted
}
