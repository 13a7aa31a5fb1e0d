package forest

import (
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// Forest sums path lengths. It is safe for concurrent use.
type Forest struct{ lengths *Values[float32, float64] }

// New returns a forest for rows of that many features. Length is [PathLength] or
// [PathLength019]: it returns the length of the path to a leaf that is depth edges below
// the root and had that many samples. An error names the tree and the node that is wrong.
func New(features int, trees []Tree, length func(depth, samples int) float64) (*Forest, error) {
	if len(trees) == 0 {
		return nil, errors.New("a forest needs a tree")
	}
	sizes := make([]size, len(trees))
	for i, t := range trees {
		depth, err := t.check(features)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		sizes[i] = size{nodes: len(t.Nodes), depth: depth}
	}
	f, err := newPacker[float32, float64](features, 1, 1, sizes)
	if err != nil {
		return nil, err
	}
	for i, t := range trees {
		f.pack(t.lengths(length), sizes[i])
	}
	f.makeTops()
	return &Forest{f.Values}, nil
}

// lengths returns t with the path lengths of its nodes as their values.
func (t Tree) lengths(length func(depth, samples int) float64) ValueTree[float32, float64] {
	v := ValueTree[float32, float64]{
		Nodes:  make([]ValueNode[float32], len(t.Nodes)),
		Values: make([]float64, len(t.Nodes)),
	}
	depths := make([]int, len(t.Nodes))
	for i, n := range t.Nodes {
		v.Values[i] = length(depths[i], n.Samples)
		v.Nodes[i] = ValueNode[float32]{Left: n.Left, Right: n.Right}
		if n.Left == Leaf {
			continue
		}
		column := n.Feature
		if t.Features != nil {
			column = t.Features[column]
		}
		v.Nodes[i].Feature, v.Nodes[i].Threshold, v.Nodes[i].NaNLeft = column, Floor32(n.Threshold), n.NaNLeft
		depths[n.Left], depths[n.Right] = depths[i]+1, depths[i]+1
	}
	return v
}

// Floor32 returns the largest float32 that is not above t. For every float32 x, x <= t is
// the same as x <= Floor32(t).
func Floor32(t float64) float32 {
	f := float32(t)
	if float64(f) > t {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

// PathLengths sets dst[i] to the sum of the path lengths of row i of x over all trees, in
// order. X is row-major: len(dst) rows of [Forest.Features] numbers. They are rounded to
// float32 first, as scikit-learn does. It panics if len(x) is not len(dst) times Features.
func (f *Forest) PathLengths(dst, x []float64) {
	clear(dst)
	f.lengths.AddRounded(dst, x, f.Trees())
}

// Trees returns the number of trees.
func (f *Forest) Trees() int { return f.lengths.Trees() }

// Features returns the number of columns of a row.
func (f *Forest) Features() int { return f.lengths.Features() }

// Size returns the number of bytes of memory that f takes.
func (f *Forest) Size() int { return int(unsafe.Sizeof(*f)) + f.lengths.Size() }
