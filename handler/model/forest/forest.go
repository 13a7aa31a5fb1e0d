package forest

import (
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// Forest sums path lengths. It is safe for concurrent use.
type Forest struct {
	features int
	roots    []root
	nodes    []node
	lengths  []float64 // of the path to each node, read at leaves
	nanRight []uint64  // a bit for each node at which NaN goes right
}

type root struct {
	first uint32 // node
	depth uint32 // edges to the deepest leaf
}

// node is a split: a row goes to left, or where x > threshold to left+1. In a
// leaf, left is the leaf itself and no x is above the threshold: further steps
// stay there, so that all rows of a tree take the same number of them.
type node struct {
	threshold float32
	left      uint32
	column    uint32 // times rows: where the column starts in a transposed group
}

// New returns the forest of trees over rows of that many features. Length gives
// the length of the path to a leaf depth edges below the root that held that
// many samples, [PathLength] for instance. The error names the tree and node
// that cannot be.
func New(features int, trees []Tree, length func(depth, samples int) float64) (*Forest, error) {
	if features < 1 || features > math.MaxInt32/rows {
		return nil, fmt.Errorf("%d features: there must be one at least, and fewer than 2^28", features)
	}
	if len(trees) == 0 {
		return nil, errors.New("a forest needs a tree")
	}
	total := 0
	for i, t := range trees {
		if err := t.check(features); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		total += len(t.Nodes)
	}
	if total > math.MaxInt32 {
		return nil, fmt.Errorf("%d nodes are too many", total)
	}
	f := &Forest{
		features: features,
		roots:    make([]root, 0, len(trees)),
		nodes:    make([]node, 0, total),
		lengths:  make([]float64, 0, total),
		nanRight: make([]uint64, (total+63)/64),
	}
	for _, t := range trees {
		f.pack(t, length)
	}
	return f, nil
}

// pack appends t breadth first, which puts siblings side by side.
func (f *Forest) pack(t Tree, length func(depth, samples int) float64) {
	first := len(f.nodes)
	type item struct{ node, depth int }
	queue := make([]item, 1, len(t.Nodes))
	for at := 0; at < len(queue); at++ {
		depth, n := queue[at].depth, t.Nodes[queue[at].node]
		f.lengths = append(f.lengths, length(depth, n.Samples))
		if n.Left == Leaf {
			f.nodes = append(f.nodes, node{threshold: float32(math.Inf(1)), left: uint32(first + at)})
			continue
		}
		column := n.Feature
		if t.Features != nil {
			column = t.Features[column]
		}
		if !n.NaNLeft {
			f.nanRight[len(f.nodes)/64] |= 1 << (len(f.nodes) % 64)
		}
		f.nodes = append(f.nodes, node{Floor32(n.Threshold), uint32(first + len(queue)), uint32(column * rows)})
		queue = append(queue, item{n.Left, depth + 1}, item{n.Right, depth + 1})
	}
	f.roots = append(f.roots, root{uint32(first), uint32(queue[len(queue)-1].depth)})
}

// Floor32 returns the largest float32 not above t: a float32 is at most the
// one exactly where it is at most the other.
func Floor32(t float64) float32 {
	f := float32(t)
	if float64(f) > t {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

// Trees returns the number of trees.
func (f *Forest) Trees() int { return len(f.roots) }

// Features returns the number of columns that a row must have.
func (f *Forest) Features() int { return f.features }

// Size returns the bytes that f holds.
func (f *Forest) Size() int {
	return int(unsafe.Sizeof(*f)) + 8*cap(f.roots) + 12*cap(f.nodes) + 8*cap(f.lengths) + 8*cap(f.nanRight)
}
