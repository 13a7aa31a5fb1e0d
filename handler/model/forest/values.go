package forest

import (
	"errors"
	"fmt"
	"math"
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
	nodes                    []valueNode[X]
	values                   []V // width of them for each node, read at leaves
	flags                    []uint8
	sets                     []Set // of the nodes with categories, by their threshold
	plain                    bool  // only NaN needs the flags
}

type valueTree struct{ first, depth, output uint32 }

// valueNode is laid out as node is.
type valueNode[X Float] struct {
	threshold    X
	left, column uint32
}

const (
	nanRight    = 1 << iota // NaN goes right
	zeroMissing             // zero goes where NaN goes
	categories              // the threshold is a position in sets
)

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
	switch {
	case features < 1 || features > math.MaxInt32/rows:
		return nil, fmt.Errorf("%d features: there must be one at least, and fewer than 2^28", features)
	case width < 1 || outputs < width || outputs > math.MaxInt32:
		return nil, fmt.Errorf("leaves of %d values and %d outputs cannot be", width, outputs)
	}
	total := 0
	for i, t := range trees {
		if err := t.check(features, outputs, width); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		total += len(t.Nodes)
	}
	if total > math.MaxInt32 {
		return nil, fmt.Errorf("%d nodes are too many", total)
	}
	f := &Values[X, V]{
		features: features, outputs: outputs, width: width, plain: true,
		trees:  make([]valueTree, 0, len(trees)),
		nodes:  make([]valueNode[X], 0, total),
		values: make([]V, 0, total*width),
		flags:  make([]uint8, 0, total),
	}
	for _, t := range trees {
		f.pack(t)
	}
	return f, nil
}

// check returns an error unless t is one tree: each node but the root is the
// child of exactly one, and all are reached from the root.
func (t ValueTree[X, V]) check(features, outputs, width int) error {
	switch {
	case len(t.Nodes) == 0:
		return errors.New("it has no node")
	case len(t.Values) != len(t.Nodes)*width:
		return fmt.Errorf("%d values for %d nodes of %d", len(t.Values), len(t.Nodes), width)
	case t.Output < 0 || t.Output > outputs-width:
		return fmt.Errorf("output %d is not one of %d", t.Output, outputs)
	}
	seen := make([]bool, len(t.Nodes))
	seen[0] = true
	reached := make([]int, 1, len(t.Nodes))
	for at := 0; at < len(reached); at++ {
		i := reached[at]
		n := t.Nodes[i]
		if n.Left == Leaf && n.Right == Leaf {
			continue
		}
		if n.Feature < 0 || n.Feature >= features {
			return fmt.Errorf("node %d: feature %d is not one of %d", i, n.Feature, features)
		}
		if n.Categories == nil && n.Threshold != n.Threshold {
			return fmt.Errorf("node %d: its threshold is NaN", i)
		}
		for _, child := range [...]int{n.Left, n.Right} {
			if child < 0 || child >= len(seen) {
				return fmt.Errorf("node %d: child %d is not one of %d nodes", i, child, len(seen))
			}
			if seen[child] {
				return fmt.Errorf("node %d: child %d has another parent", i, child)
			}
			seen[child] = true
			reached = append(reached, child)
		}
	}
	return nil
}

// pack appends t breadth first, which puts siblings side by side.
func (f *Values[X, V]) pack(t ValueTree[X, V]) {
	first := len(f.nodes)
	type item struct{ node, depth int }
	queue := make([]item, 1, len(t.Nodes))
	for at := 0; at < len(queue); at++ {
		i, depth := queue[at].node, queue[at].depth
		n := t.Nodes[i]
		f.values = append(f.values, t.Values[i*f.width:(i+1)*f.width]...)
		if n.Left == Leaf {
			f.nodes = append(f.nodes, valueNode[X]{threshold: X(math.Inf(1)), left: uint32(first + at)})
			f.flags = append(f.flags, 0)
			continue
		}
		var flags uint8
		if !n.NaNLeft {
			flags |= nanRight
		}
		if n.ZeroMissing {
			flags |= zeroMissing
			f.plain = false
		}
		threshold := n.Threshold
		if n.Categories != nil {
			flags |= categories
			f.plain = false
			threshold = X(len(f.sets))
			f.sets = append(f.sets, *n.Categories)
		}
		f.nodes = append(f.nodes, valueNode[X]{threshold, uint32(first + len(queue)), uint32(n.Feature * rows)})
		f.flags = append(f.flags, flags)
		queue = append(queue, item{n.Left, depth + 1}, item{n.Right, depth + 1})
	}
	f.trees = append(f.trees, valueTree{uint32(first), uint32(queue[len(queue)-1].depth), uint32(t.Output)})
}

// Trees returns the number of trees.
func (f *Values[X, V]) Trees() int { return len(f.trees) }

// Features returns the number of columns that a row must have.
func (f *Values[X, V]) Features() int { return f.features }

// Outputs returns how many sums a row gets.
func (f *Values[X, V]) Outputs() int { return f.outputs }

// Size returns the bytes that f holds.
func (f *Values[X, V]) Size() int {
	size := int(unsafe.Sizeof(*f)) + 12*cap(f.trees) + int(unsafe.Sizeof(valueNode[X]{}))*cap(f.nodes) + len(f.flags)
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
