package forest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestWalksAgainstPortable checks that the walks which this processor uses end in the same
// leaves as the portable ones. The trees have each depth, and the blocks several groups.
func TestWalksAgainstPortable(t *testing.T) {
	t.Parallel()
	for depth := range 20 {
		r := rand.New(rand.NewPCG(uint64(depth), 5))
		tree := ValueTree[float32, float32]{Nodes: []ValueNode[float32]{{Left: Leaf, Right: Leaf}}}
		for at := range depth { // a path to the right, with a leaf on the left
			tree.Nodes[2*at] = ValueNode[float32]{Left: 2*at + 1, Right: 2*at + 2, Feature: r.IntN(5), Threshold: float32(r.NormFloat64()) - 2, NaNLeft: r.IntN(2) == 0}
			leaf := ValueNode[float32]{Left: Leaf, Right: Leaf}
			tree.Nodes = append(tree.Nodes, leaf, leaf)
		}
		tree.Values = make([]float32, len(tree.Nodes))
		narrow, err := NewValues(5, 1, 1, []ValueTree[float32, float32]{tree})
		if err != nil {
			t.Fatal(err)
		}
		double := ValueTree[float64, float32]{Values: tree.Values}
		for _, n := range tree.Nodes {
			double.Nodes = append(double.Nodes, ValueNode[float64]{Left: n.Left, Right: n.Right, Feature: n.Feature, Threshold: float64(n.Threshold), NaNLeft: n.NaNLeft})
		}
		broad, err := NewValues(5, 1, 1, []ValueTree[float64, float32]{double})
		if err != nil {
			t.Fatal(err)
		}
		for _, groups := range []int{1, 2, 7} {
			x := make([]float32, groups*rows*5)
			for i := range x {
				if x[i] = float32(r.NormFloat64()); r.IntN(10) == 0 {
					x[i] = float32(math.NaN())
				}
			}
			compareWalks(t, narrow, x, narrow.linked, linkedLeaves, linkedLeavesPortable)
			compareWalks(t, broad, x, broad.wide, wideLeaves, wideLeavesPortable)
		}
	}
}

// compareWalks compares a walk with the portable one.
func compareWalks[X Float](t *testing.T, f *Values[X, float32], x []float32, nodes []uint64, walk, portable func(leaves []uint32, block, nodes []uint64, depth int)) {
	t.Helper()
	n := len(x) / f.features
	block := make([]uint64, max(1, len(f.slots))*n)
	layGroups(f, block, x)
	got, want := make([]uint32, n), make([]uint32, n)
	walk(got, block, nodes, f.trees[0].depth)
	portable(want, block, nodes, f.trees[0].depth)
	if !slices.Equal(got, want) {
		t.Errorf("%T, depth %d: got leaves %v, portable %v", f, f.trees[0].depth, got, want)
	}
}

// TestManyNodes checks trees of as many nodes as 16 bits can count, and of more.
func TestManyNodes(t *testing.T) {
	t.Parallel()
	for leaves, want := range map[int]layout{1 << 15: linked, 1<<15 + 1: wide, 40_000: wide} {
		checkManyNodes(t, leaves, want)
	}
}

// checkManyNodes checks that row i of a tree with this number of leaves ends in leaf i.
func checkManyNodes(t *testing.T, leaves int, want layout) {
	t.Helper()
	tree := ValueTree[float32, float64]{Nodes: make([]ValueNode[float32], 2*leaves-1), Values: make([]float64, 2*leaves-1)}
	// The nodes are those of a binary heap. The leaves have the values 0, 1 and so on, from
	// left to right.
	next := 0
	var fill func(i int) (first int)
	fill = func(i int) int {
		n := &tree.Nodes[i]
		if 2*i+2 >= len(tree.Nodes) {
			*n, tree.Values[i] = ValueNode[float32]{Left: Leaf, Right: Leaf}, float64(next)
			next++
			return next - 1
		}
		first := fill(2*i + 1)
		*n = ValueNode[float32]{Left: 2*i + 1, Right: 2*i + 2, Threshold: float32(fill(2*i+2)) - 0.5}
		return first
	}
	fill(0)
	f, err := NewValues(1, 1, 1, []ValueTree[float32, float64]{tree})
	if err != nil {
		t.Fatal(err)
	}
	if f.trees[0].layout != want {
		t.Fatalf("%d leaves: got layout %v, want %v", leaves, f.trees[0].layout, want)
	}
	x, got := make([]float32, leaves), make([]float64, leaves)
	for i := range x {
		x[i] = float32(i)
	}
	f.Add(got, x, 1)
	for i, v := range got {
		if v != float64(i) {
			t.Fatalf("%d leaves: row %d ends in leaf %v", leaves, i, v)
		}
	}
	alone := make([]float64, 1)
	if f.Add(alone, x[777:778], 1); alone[0] != 777 {
		t.Errorf("%d leaves: row 777 alone ends in leaf %v", leaves, alone[0])
	}
}

// TestTops checks that the top of a tree leads each row to the same node as walking the
// same number of steps.
func TestTops(t *testing.T) {
	t.Parallel()
	if !hasTops {
		t.Log("this processor has no vector form of tops: only the portable form is tested")
	}
	const groups, features = 7, 4
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		tree := randomValues(r, features, 1, r.IntN(60), false, false)
		f, err := NewValues(features, 1, 1, []ValueTree[float32, float64]{tree})
		if err != nil {
			t.Fatal(err)
		}
		n := groups * rows
		x := make([]float32, n*features)
		for i := range x {
			if x[i] = float32(r.IntN(9)) - 4; r.IntN(9) == 0 {
				x[i] = float32(math.NaN())
			}
		}
		block, columns := make([]uint64, max(1, len(f.slots))*n), make([]uint32, max(1, len(f.slots))*topStride)
		layGroups(f, block, x)
		f.twins = twins(f.slots)
		layColumns(f, columns, x)
		want := make([]uint32, n)
		linkedLeavesPortable(want, block, f.linked, topDepth)
		made := newTop(f.linked)
		got := make([]uint32, (n+topRows-1)/topRows*topRows)
		exitsPortable(got, columns, &made)
		if !slices.Equal(got[:n], want) {
			t.Fatalf("the portable form leads to %v, the walk to %v", got[:n], want)
		}
		if !hasTops {
			continue
		}
		clear(got)
		if topExits(got, columns, &made); !slices.Equal(got[:n], want) {
			t.Fatalf("the vector form leads to %v, the walk to %v", got[:n], want)
		}
		onward, all := slices.Clone(want), make([]uint32, n)
		onwardLeaves(onward, block, f.linked, 60)
		if linkedLeavesPortable(all, block, f.linked, 60+topDepth); !slices.Equal(onward, all) {
			t.Fatalf("the walk below the top ends in %v, the walk from the root in %v", onward, all)
		}
	}
}
