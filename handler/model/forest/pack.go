package forest

import (
	"fmt"
	"math"
	"unsafe"
)

// layout is how a tree is kept.
type layout uint8

const (
	// A complete tree has all 2^depth leaves: below a leaf of the tree as it was
	// given, all are that leaf. The root is node 1, and the children of node i are
	// nodes 2i and 2i+1, as in a binary heap.
	complete layout = iota
	// A linked tree has the nodes that were given, breadth first, which puts
	// siblings side by side.
	linked
	// A special tree is a linked one with a node that says more than a threshold.
	special
)

type valueTree struct {
	layout layout
	depth  uint32 // edges to the deepest leaf
	output int
	first  int // node, in splits or nodes
	values int // where those of its first leaf or node are
	rules  int // where that of the first node is, of a special tree
}

// split is a node of a complete tree: in its last 16 bits, where the column that
// it compares starts in a group, in the others the key of its threshold, whose own
// last bits are zero. A key is above a split exactly where it is above the threshold.
type split int64

// node is a node of another tree: a row goes to left, or where its key is above
// the threshold's to left+1. In a leaf, left is the leaf itself and no key is above
// the threshold: further steps stay there, so that all rows of a tree take the same
// number of them. Left is counted from the root.
type node struct {
	threshold    int64
	left, column uint32
}

// rule says of a node of a special tree what its threshold does not.
type rule uint8

const (
	nanRight    rule = 1 << iota // NaN goes right
	zeroMissing                  // zero goes where NaN goes
	categories                   // instead of a threshold there is a position in sets
)

// size is what a tree's layout depends on.
type size struct {
	nodes, depth int
	special      bool
}

// layout returns that of a tree: complete where this takes at most twice the memory,
// and thresholds are float32.
func (f *Values[X, V]) layout(s size) layout {
	const most = 24 // edges of a complete tree
	var value V
	width := f.width * int(unsafe.Sizeof(value))
	switch {
	case s.special:
		return special
	case !single[X]() || f.features > (math.MaxUint16+1)/(copies*rows) || s.depth > most:
		return linked
	case (int(unsafe.Sizeof(split(0)))+width)<<s.depth > 2*(int(unsafe.Sizeof(node{}))+width)*s.nodes:
		return linked
	}
	return complete
}

// newValues returns a forest with room for trees of these sizes.
func newValues[X, V Float](features, outputs, width int, sizes []size) (*Values[X, V], error) {
	if features < 1 || features > math.MaxInt32/(copies*rows) {
		return nil, fmt.Errorf("%d features: there must be one at least, and fewer than 2^27", features)
	}
	f := &Values[X, V]{features: features, outputs: outputs, width: width, trees: make([]valueTree, 0, len(sizes))}
	var splits, nodes, leaves, rules int
	for _, s := range sizes {
		switch f.layout(s) {
		case complete:
			splits += 1 << s.depth
			leaves += 1 << s.depth
		case special:
			rules += s.nodes
			fallthrough
		case linked:
			nodes += s.nodes
			leaves += s.nodes
		}
		if leaves > math.MaxInt32 {
			return nil, fmt.Errorf("%d nodes are too many", leaves)
		}
	}
	f.splits, f.nodes = make([]split, 0, splits), make([]node, 0, nodes)
	f.values, f.rules = make([]V, 0, leaves*width), make([]rule, 0, rules)
	return f, nil
}

// pack appends a tree of that size.
func (f *Values[X, V]) pack(t ValueTree[X, V], s size) {
	l := f.layout(s)
	p := valueTree{layout: l, depth: uint32(s.depth), output: t.Output, values: len(f.values)}
	if l == complete {
		p.first = len(f.splits)
		f.packComplete(t, s.depth)
	} else {
		p.first, p.rules = len(f.nodes), len(f.rules)
		f.packLinked(t, l)
	}
	f.trees = append(f.trees, p)
}

func (f *Values[X, V]) packComplete(t ValueTree[X, V], depth int) {
	at := make([]int, 2<<depth) // nodes of t; the root stands at 1
	f.splits = append(f.splits, 0)
	for i := 1; i < 1<<depth; i++ {
		n := t.Nodes[at[i]]
		if n.Left == Leaf {
			at[2*i], at[2*i+1] = at[i], at[i]
			f.splits = append(f.splits, 0)
			continue
		}
		at[2*i], at[2*i+1] = n.Left, n.Right
		f.splits = append(f.splits, split(key(n.Threshold)|int64(n.column())))
	}
	for _, i := range at[1<<depth:] {
		f.values = append(f.values, t.Values[i*f.width:(i+1)*f.width]...)
	}
}

func (f *Values[X, V]) packLinked(t ValueTree[X, V], l layout) {
	queue := make([]int, 1, len(t.Nodes))
	for at := 0; at < len(queue); at++ {
		n := t.Nodes[queue[at]]
		f.values = append(f.values, t.Values[queue[at]*f.width:(queue[at]+1)*f.width]...)
		packed := node{threshold: math.MaxInt64, left: uint32(at)}
		if n.Left != Leaf {
			packed = node{key(n.Threshold), uint32(len(queue)), n.column()}
			queue = append(queue, n.Left, n.Right)
		}
		if l == special {
			f.rules = append(f.rules, f.rule(n, &packed))
		}
		f.nodes = append(f.nodes, packed)
	}
}

// rule returns that of n, which looks at the first copy of its column in a special
// tree. If n has a set of categories, that is kept.
func (f *Values[X, V]) rule(n ValueNode[X], packed *node) (r rule) {
	if n.Left == Leaf {
		return 0
	}
	packed.column = uint32(n.Feature * copies * rows)
	if !n.NaNLeft {
		r |= nanRight
	}
	if n.ZeroMissing {
		r |= zeroMissing
	}
	if n.Categories != nil {
		r |= categories
		packed.threshold = int64(len(f.sets))
		f.sets = append(f.sets, *n.Categories)
	}
	return r
}

// column returns where the column that a node compares starts in a group.
func (n ValueNode[X]) column() uint32 {
	c := uint32(n.Feature * copies * rows)
	if !n.NaNLeft {
		c += rows
	}
	return c
}

// special reports whether n says more than a threshold.
func (n ValueNode[X]) special() bool {
	return n.Left != Leaf && (n.ZeroMissing || n.Categories != nil)
}
