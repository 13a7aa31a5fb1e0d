package forest

import (
	"fmt"
	"math"
)

// layout is how the nodes of a tree are stored. In all layouts the nodes are in
// breadth-first order, so siblings are side by side and a node only needs the position of
// its left child.
//
// The left child of a leaf is the leaf itself, and no key is above its threshold. So a row
// stays at a leaf, and all rows can take the same number of steps.
type layout uint8

const (
	// A node of a linked tree is a uint64. The upper 32 bits are the key of its threshold,
	// which is a float32. The next 16 bits are the position in a group at which the column
	// of its feature begins. The lowest 16 bits are the position of its left child, counted
	// from the root. A row's key is compared with the whole node: its lower 32 bits are 0,
	// so it is above the node exactly if it is above the threshold.
	linked layout = iota
	// A wide tree has keys of 64 bits, or more nodes or columns than fit in 16 bits. Two
	// siblings take four uint64: the keys of their thresholds, then their links. The upper
	// half of a link is the position of the left child's threshold. The lower half is the
	// position in a group at which the column of the feature begins.
	wide
	// A special tree is a wide tree in which a node has categories, or sends zero where it
	// sends NaN. Each node has a rule.
	special
)

type valueTree struct {
	layout   layout
	depth    int // edges from the root to the deepest leaf
	output   int // the output that the first value of a leaf is added to
	first    int // the position of the root in Values.linked or Values.wide
	values   int // the position of the root's first value in Values.values
	subtrees int // the position of the first subtree in Values.subtrees
	levels   int // levels of subtrees; 0 if there are none
	rules    int // the position of the root's rule in Values.rules, of a special tree
}

// slot is a column of a group. A feature has up to two: in one NaN is below all numbers, in
// the other above.
type slot struct {
	feature int
	high    bool // NaN is above all numbers, and goes right
}

// rule holds what a node of a special tree has beside its threshold.
type rule uint8

const (
	nanRight    rule = 1 << iota // NaN goes right
	zeroMissing                  // zero goes where NaN goes
	categories                   // in place of the threshold there is a position in Values.sets
)

// size is what the layout of a tree depends on.
type size struct {
	nodes, depth int
	special      bool
}

func (f *Values[X, V]) layout(s size) layout {
	switch {
	case s.special:
		return special
	case !single[X]() || 2*f.features*rows > math.MaxUint16+1 || s.nodes > math.MaxUint16+1:
		return wide
	}
	return linked
}

// packer builds a forest.
type packer[X, V Float] struct {
	*Values[X, V]
	columns map[slot]int // the position in a group at which the column of a slot begins
}

// newPacker returns a packer with memory for trees of these sizes.
func newPacker[X, V Float](features, outputs, width int, sizes []size) (*packer[X, V], error) {
	if features < 1 || features > math.MaxInt32/(2*rows) {
		return nil, fmt.Errorf("%d features: there must be one at least, and fewer than %d", features, math.MaxInt32/(2*rows))
	}
	f := &Values[X, V]{features: features, outputs: outputs, width: width}
	var narrow, broad, values, rules int
	for _, s := range sizes {
		switch f.layout(s) {
		case linked:
			narrow += s.nodes
			values += s.nodes
		case special:
			rules += s.nodes + 1
			fallthrough
		case wide:
			broad += wideWords(s.nodes)
			values += s.nodes + 1
		}
		if values > math.MaxInt32/2 {
			return nil, fmt.Errorf("%d nodes are too many", values)
		}
	}
	f.trees = make([]valueTree, 0, len(sizes))
	f.linked, f.wide = make([]uint64, 0, narrow), make([]uint64, 0, broad)
	f.values, f.rules = make([]V, 0, values*width), make([]rule, 0, rules)
	return &packer[X, V]{f, make(map[slot]int)}, nil
}

// wideWords returns the number of uint64 that the nodes of a wide tree take. The place of
// the root's sibling is unused.
func wideWords(nodes int) int { return (nodes + 1) / 2 * 4 }

// widePosition returns the position in a wide tree of node number at in breadth-first
// order.
func widePosition(at int) int {
	if at > 0 {
		at++ // the place of the root's sibling
	}
	return at/2*4 + at%2
}

// wideValue is the inverse of widePosition, with the root's sibling counted as 1. It is
// also the number of the node's value and rule.
func wideValue(position uint32) uint32 { return position>>1&^1 | position&1 }

// pack appends a tree to the forest.
func (f *packer[X, V]) pack(t ValueTree[X, V], s size) {
	p := valueTree{layout: f.layout(s), depth: s.depth, output: t.Output, values: len(f.values)}
	if p.layout == linked {
		p.first = len(f.linked)
		f.packNodes(t, f.packLinked)
	} else {
		p.first, p.rules = len(f.wide), len(f.rules)
		f.wide = f.wide[:p.first+wideWords(len(t.Nodes))]
		nodes := f.wide[p.first:]
		f.packNodes(t, func(n ValueNode[X], at, left int) {
			threshold, column, r := f.wideNode(n, p.layout == special)
			i := widePosition(at)
			nodes[i], nodes[i+2] = threshold, uint64(widePosition(left))<<32|uint64(column)
			if p.layout == special {
				f.rules = append(f.rules, r)
			}
			if at == 0 { // the place of the root's sibling
				f.values = append(f.values, make([]V, f.width)...)
				if p.layout == special {
					f.rules = append(f.rules, 0)
				}
			}
		})
	}
	f.trees = append(f.trees, p)
}

// packNodes visits the nodes in breadth-first order. It appends their values, and calls
// node with each node, its number, and the number of its left child. For a leaf the two
// numbers are the same.
func (f *packer[X, V]) packNodes(t ValueTree[X, V], node func(n ValueNode[X], at, left int)) {
	queue := make([]int, 1, len(t.Nodes))
	for at := 0; at < len(queue); at++ {
		n, left := t.Nodes[queue[at]], at
		f.values = append(f.values, t.Values[queue[at]*f.width:(queue[at]+1)*f.width]...)
		if n.Left != Leaf {
			left = len(queue)
			queue = append(queue, n.Left, n.Right)
		}
		node(n, at, left)
	}
}

func (f *packer[X, V]) packLinked(n ValueNode[X], _, left int) {
	threshold, column := uint64(math.MaxUint32<<32), 0
	if n.Left != Leaf {
		threshold, column = key(n.Threshold), f.column(slot{n.Feature, !n.NaNLeft})
	}
	f.linked = append(f.linked, threshold|uint64(column)<<16|uint64(left))
}

// wideNode returns the threshold and the column of a node of a wide tree, and its rule if
// the tree is special. It appends the node's categories to sets.
func (f *packer[X, V]) wideNode(n ValueNode[X], special bool) (threshold uint64, column int, r rule) {
	if n.Left == Leaf {
		return math.MaxUint64, 0, 0
	}
	if !special {
		return key(n.Threshold), f.column(slot{n.Feature, !n.NaNLeft}), 0
	}
	if !n.NaNLeft {
		r |= nanRight
	}
	if n.ZeroMissing {
		r |= zeroMissing
	}
	threshold = key(n.Threshold)
	if n.Categories != nil {
		r |= categories
		threshold = uint64(len(f.sets))
		f.sets = append(f.sets, *n.Categories)
	}
	return threshold, f.column(slot{n.Feature, false}), r // specialLeaf recognises NaN by nanLow
}

// column returns the position in a group at which the column of a slot begins.
func (f *packer[X, V]) column(s slot) int {
	at, ok := f.columns[s]
	if !ok {
		at = len(f.slots) * rows
		f.columns[s] = at
		f.slots = append(f.slots, s)
	}
	return at
}

// special reports whether n needs a rule.
func (n ValueNode[X]) special() bool {
	return n.Left != Leaf && (n.ZeroMissing || n.Categories != nil)
}
