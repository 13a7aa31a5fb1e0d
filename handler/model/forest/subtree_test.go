package forest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// deepTree returns a random tree in which a level has about four splits. They send NaN to
// one side, or to two.
func deepTree(r *rand.Rand, features, depth, sides int) ValueTree[float32, float64] {
	nodes := []ValueNode[float32]{{Left: Leaf, Right: Leaf}}
	level := []int{0}
	for range depth {
		r.Shuffle(len(level), func(i, j int) { level[i], level[j] = level[j], level[i] })
		var next []int
		for _, i := range level[:min(len(level), 2+r.IntN(5))] {
			at := len(nodes)
			nodes[i] = ValueNode[float32]{Left: at, Right: at + 1, Feature: r.IntN(features), Threshold: float32(r.IntN(7) - 3), NaNLeft: r.IntN(sides) == 1}
			nodes = append(nodes, ValueNode[float32]{Left: Leaf, Right: Leaf}, ValueNode[float32]{Left: Leaf, Right: Leaf})
			next = append(next, at, at+1)
		}
		level = next
	}
	t := ValueTree[float32, float64]{Nodes: nodes, Values: make([]float64, len(nodes))}
	for i := range t.Values {
		t.Values[i] = r.NormFloat64()
	}
	return t
}

// rowsOf returns n rows of small integers. Every tenth number is NaN if nan says so.
func rowsOf(r *rand.Rand, n, features int, nan bool) []float32 {
	x := make([]float32, n*features)
	for i := range x {
		if x[i] = float32(r.IntN(9)) - 4; nan && r.IntN(10) == 0 {
			x[i] = float32(math.NaN())
		}
	}
	return x
}

// From the links of its top, a row comes through the subtrees to the leaf that it comes to
// by going down node by node.
func TestSubtrees(t *testing.T) {
	t.Parallel()
	if !hasTops {
		t.Log("this processor compares no subtrees: only the portable form is tested")
	}
	const n = 8 * rows
	made := make(map[[2]int]bool)
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		features, nan, sides := 1+r.IntN(40), seed%2 == 0, 1+r.IntN(2)
		trees := []ValueTree[float32, float64]{deepTree(r, features, 7+r.IntN(20), sides), deepTree(r, features, 40, sides)}
		f, err := NewValues(features, 1, 1, trees)
		if err != nil {
			t.Fatal(err)
		}
		f.twins, f.lanes = twins(f.slots), newLanes(f.slots)
		x := rowsOf(r, n, features, nan)
		s := scratch{columns: make([]uint32, len(f.slots)*topStride), rows: make([]uint32, n*maxLanes), lanes: f.lanes.whole, walk: new(subtreeWalk)}
		if layColumns(f, s.columns, x) != nan {
			t.Fatalf("seed %d: NaN is not seen, or where there is none", seed)
		}
		if nan {
			s.lanes = f.lanes.nan
		}
		made[[2]int{f.lanes.whole, f.lanes.nan}] = true
		if s.lanes == 0 {
			continue
		}
		f.layRows(&s, n)
		block := make([]uint64, len(f.slots)*n)
		layGroups(f, block, x)
		nodes := f.linked[:f.trees[1].first]
		top, b := newTop(nodes), subtreeBuilder{nodes: nodes, lanes: f.lanes.of}
		if !b.add(&top) {
			continue // a thin tree
		}
		levels := (f.trees[0].depth - 1) / topDepth
		want, exits := make([]uint32, n), make([]uint32, (n+topRows-1)/topRows*topRows)
		linkedLeavesPortable(want, block, nodes, f.trees[0].depth)
		exitsPortable(exits, s.columns, &top)
		got := slices.Clone(exits[:n])
		if subtreeLeavesPortable(got, s.rows, b.subtrees, s.lanes, levels); !slices.Equal(got, want) {
			t.Fatalf("seed %d, %d lanes: the portable form comes to %v, the walk to %v", seed, s.lanes, got, want)
		}
		if hasTops {
			if subtreeLeaves(exits, s.rows, b.subtrees, s.lanes, levels, s.walk); !slices.Equal(exits[:n], want) {
				t.Fatalf("seed %d, %d lanes: the vector form comes to %v, the walk to %v", seed, s.lanes, exits[:n], want)
			}
		}
	}
	for _, l := range [][2]int{{16, 32}, {32, 32}, {32, 0}, {0, 0}} {
		if !made[l] {
			t.Errorf("no forest has %d lanes, and %d with NaN", l[0], l[1])
		}
	}
}

// A forest of deep trees gives each row the sums of a plain walk, with and without NaN,
// and with a tree that has no subtrees.
func TestDeepForests(t *testing.T) {
	t.Parallel()
	for _, features := range []int{1, 16, 17, 24, 33, 70} {
		for _, special := range []bool{false, true} {
			for _, nans := range []string{"nowhere", "in one row", "everywhere"} {
				t.Run(fmt.Sprintf("%d features, special %v, NaN %v", features, special, nans), func(t *testing.T) {
					t.Parallel()
					holdDeepForest(t, features, special, nans)
				})
			}
		}
	}
}

func holdDeepForest(t *testing.T, features int, special bool, nans string) {
	r := rand.New(rand.NewPCG(uint64(features), 4))
	trees := []ValueTree[float32, float64]{deepTree(r, features, 0, 2), deepTree(r, features, 3, 2), deepTree(r, features, 5, 2), deepTree(r, features, 6, 2)}
	for depth := range 12 {
		trees = append(trees, deepTree(r, features, 7+depth, 2))
	}
	if special {
		trees = append(trees, randomValues(r, features, 1, 30, true, true))
	}
	f, err := NewValues(features, 1, 1, trees)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2*vectorRows + 2
	x := rowsOf(r, n, features, nans == "everywhere")
	if nans == "in one row" {
		for i := range features {
			x[(vectorRows+7)*features+i] = float32(math.NaN())
		}
	}
	got := make([]float64, n)
	f.Add(got, x, len(trees))
	for i, v := range got {
		want := 0.0
		for _, tree := range trees {
			want += tree.Values[walkPlainly(tree, x[i*features:(i+1)*features])]
		}
		if math.Float64bits(v) != math.Float64bits(want) {
			t.Fatalf("row %d gets %v, want %v", i, v, want)
		}
	}
}

// A tree has no subtrees if these would have few nodes each. Then its top stays as it is.
func TestThinTrees(t *testing.T) {
	t.Parallel()
	for full, want := range map[int]bool{topDepth + 1: false, topDepth + 2: true} {
		tree := ValueTree[float32, float64]{Nodes: []ValueNode[float32]{{Left: Leaf, Right: Leaf}}}
		for i := 0; i < 1<<full-1 || len(tree.Nodes) < 2<<full+4; i++ { // complete, and two levels below its last node
			if i >= 1<<full-1 {
				i = len(tree.Nodes) - 1
			}
			tree.Nodes[i] = ValueNode[float32]{Left: len(tree.Nodes), Right: len(tree.Nodes) + 1}
			tree.Nodes = append(tree.Nodes, ValueNode[float32]{Left: Leaf, Right: Leaf}, ValueNode[float32]{Left: Leaf, Right: Leaf})
		}
		tree.Values = make([]float64, len(tree.Nodes))
		f, err := NewValues(1, 1, 1, []ValueTree[float32, float64]{tree})
		if err != nil {
			t.Fatal(err)
		}
		made := newTop(f.linked)
		before := made
		b := subtreeBuilder{nodes: f.linked, lanes: newLanes(f.slots).of}
		if got := b.add(&made); got != want || got == (made == before) {
			t.Errorf("%d full levels: subtrees are made: %v; the top stays: %v", full, got, made == before)
		}
		if got := f.trees[0].levels > 0; got != (want && hasTops) {
			t.Errorf("%d full levels: the tree has subtrees: %v", full, got)
		}
	}
}
