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

// Values is a forest whose leaves hold values. A row gets the sum of the values of the
// leaves that it reaches. X is the precision of thresholds, V that of sums. It is safe for
// concurrent use.
type Values[X, V Float] struct {
	features, outputs, width int
	trees                    []valueTree
	slots                    []slot    // the columns of a group
	linked, wide             []uint64  // the nodes of linked trees; those of wide and special trees
	values                   []V       // width numbers for each node
	rules                    []rule    // a rule for each node of special trees
	sets                     []Set     // the categories of nodes of special trees
	tops                     []top     // per tree, set for linked ones; nil if tops are not used
	subtrees                 []subtree // nil if they are not used
	twins                    []int     // per slot, an earlier one of the same feature, or -1
	lanes                    lanes
	grouped                  bool      // there are trees that need groups for many rows too
	scratch                  sync.Pool // of *scratch
}

// Set is a set of categories that go left at a node. Category i is bit i%32 of Bits[i/32].
type Set struct {
	Bits []uint32
	// Others says that numbers which have no bit go left.
	Others bool
	// Inverted says that the bits are the categories that go right.
	Inverted bool
}

// ValueNode is a node. A row goes left if its feature is less than or equal to the
// threshold. A leaf has [Leaf] for both children.
type ValueNode[X Float] struct {
	Left, Right int // positions of the children
	Feature     int // the column of the row
	Threshold   X
	NaNLeft     bool // NaN goes left
	ZeroMissing bool // a number of at most 1e-35, up to its sign, goes where NaN goes
	Categories  *Set // decides in place of the threshold; or nil
}

// ValueTree is a tree. Its root is the first node. Values holds width numbers for each
// node, as [NewValues] says. Only those of leaves are used.
type ValueTree[X, V Float] struct {
	Nodes  []ValueNode[X]
	Values []V
	Output int // the output that the first value of a leaf is added to
}

// zeroThreshold is the largest number that LightGBM takes for zero: the float32 nearest to
// 1e-35 (kZeroThreshold in include/LightGBM/meta.h).
const zeroThreshold = 0x1.a95a5cp-117

// NewValues returns a forest for rows of that many features. A row gets that many outputs,
// and each leaf holds width values, which are added to successive outputs. An error names
// the tree and the node that is wrong.
func NewValues[X, V Float](features, outputs, width int, trees []ValueTree[X, V]) (*Values[X, V], error) {
	if features < 1 || width < 1 || outputs < width || outputs > math.MaxInt32 {
		return nil, fmt.Errorf("a forest cannot have leaves of %d values, %d outputs and %d features", width, outputs, features)
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

// check returns an error unless each node that is reached from the root has one parent,
// and its fields are in range. Depth is the number of edges from the root to the deepest
// leaf.
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

// Features returns the number of columns of a row.
func (f *Values[X, V]) Features() int { return f.features }

// Outputs returns the number of sums of a row.
func (f *Values[X, V]) Outputs() int { return f.outputs }

// Size returns the number of bytes of memory that f takes.
func (f *Values[X, V]) Size() int {
	size := int(unsafe.Sizeof(*f)) + int(unsafe.Sizeof(valueTree{}))*cap(f.trees) +
		8*(cap(f.linked)+cap(f.wide)) + int(unsafe.Sizeof(slot{}))*cap(f.slots) +
		int(unsafe.Sizeof(rule(0)))*cap(f.rules) + int(unsafe.Sizeof(top{}))*cap(f.tops) + 12*cap(f.twins) + subtreeBytes*cap(f.subtrees)
	for _, s := range f.sets {
		size += int(unsafe.Sizeof(s)) + 4*len(s.Bits)
	}
	var v V
	return size + int(unsafe.Sizeof(v))*cap(f.values)
}

// goesLeft reports whether x, which must not be NaN, goes left.
func (s *Set) goesLeft(x float64) bool {
	if x <= -1 || x >= float64(32*len(s.Bits)) || len(s.Bits) == 0 {
		return s.Others
	}
	if x < 0 && s.Inverted { // in XGBoost no negative number is a category
		return s.Others
	}
	category := int(x)
	return s.Bits[category/32]>>(category%32)&1 == 1 != s.Inverted
}
