package forest

import (
	"fmt"
	"math"
)

// layout is how a tree is kept: its nodes breadth first, which puts siblings side by
// side, so that of a child on the right no position has to be kept.
type layout uint8

const (
	// A node of a linked tree is 8 bytes. The upper 32 bits are the key of its threshold,
	// of float32. The next 16 say where the column that it compares starts in a group, the
	// last 16 are the position of its left child, counted from the root. The key of a row
	// is above the node as a number exactly where it is above the threshold: the lower
	// bits of the key are 0.
	linked layout = iota
	// A wide tree has keys of 64 bits, or more nodes or columns than 16 bits can count.
	// Siblings take 32 bytes: the keys of the thresholds of both, then the links of both.
	// The upper half of a link is the position of the left child, the lower one says where
	// the column starts. Positions are of thresholds, in 8 bytes.
	wide
	// A special tree is a wide one with a node that says more than a threshold.
	special
)

// In a leaf, the left child is the leaf itself, and no key is above the threshold: further
// steps stay there, so that all rows of a tree may take the same number of them.

type valueTree struct {
	layout layout
	depth  uint32 // edges to the deepest leaf
	output int
	first  int // node, in linked or wide
	values int // where those of its first node are
	rules  int // where that of the first node is, of a special tree
}

// slot is a column of a group: a feature, and which key NaN has in it.
type slot struct {
	feature int
	high    bool // NaN is above all thresholds and goes right, else left
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

func (f *Values[X, V]) layout(s size) layout {
	switch {
	case s.special:
		return special
	case !single[X]() || 2*f.features*rows > math.MaxUint16+1 || s.nodes > math.MaxUint16+1:
		return wide
	}
	return linked
}

// packer makes a forest.
type packer[X, V Float] struct {
	*Values[X, V]
	columns map[slot]int // where those of a group start
}

// newPacker returns one that has room for trees of these sizes.
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

// wideWords returns how many words so many nodes of a wide tree take. The root has no
// sibling, whose place is left free.
func wideWords(nodes int) int { return (nodes + 1) / 2 * 4 }

// widePosition returns the position in a wide tree of the node that is the at-th breadth
// first.
func widePosition(at int) int {
	if at > 0 {
		at++ // the root's sibling
	}
	return at/2*4 + at%2
}

// wideValue returns which value belongs to the node at a position.
func wideValue(position uint32) uint32 { return position>>1&^1 | position&1 }

// pack appends a tree of that size.
func (f *packer[X, V]) pack(t ValueTree[X, V], s size) {
	p := valueTree{layout: f.layout(s), depth: uint32(s.depth), output: t.Output, values: len(f.values)}
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
			if at == 0 { // its sibling
				f.values = append(f.values, make([]V, f.width)...)
				if p.layout == special {
					f.rules = append(f.rules, 0)
				}
			}
		})
	}
	f.trees = append(f.trees, p)
}

// packNodes appends the values of the nodes, breadth first, and calls node with each, its
// position, and that of its left child, which of a leaf is its own.
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

// wideNode returns the threshold and the column of a node of a wide tree, and of a special
// one the rule. If that has a set of categories, the set is kept.
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
	return threshold, f.column(slot{n.Feature, false}), r // NaN is known by the lowest key
}

// column returns where the column of a slot starts in a group.
func (f *packer[X, V]) column(s slot) int {
	at, ok := f.columns[s]
	if !ok {
		at = len(f.slots) * rows
		f.columns[s] = at
		f.slots = append(f.slots, s)
	}
	return at
}

// special reports whether n says more than a threshold.
func (n ValueNode[X]) special() bool {
	return n.Left != Leaf && (n.ZeroMissing || n.Categories != nil)
}
