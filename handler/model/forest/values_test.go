package forest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// randomValues returns a random tree whose nodes are in no particular order.
func randomValues(r *rand.Rand, features, width, splits int, sets, zeros bool) ValueTree[float32, float64] {
	nodes := []ValueNode[float32]{{Left: Leaf, Right: Leaf}}
	for range splits {
		i := r.IntN(len(nodes))
		for nodes[i].Left != Leaf {
			i = r.IntN(len(nodes))
		}
		n := ValueNode[float32]{Left: len(nodes) + 1, Right: len(nodes), Feature: r.IntN(features),
			Threshold: float32(r.IntN(7) - 3), NaNLeft: r.IntN(2) == 0, ZeroMissing: zeros && r.IntN(2) == 0}
		if sets && r.IntN(3) == 0 {
			n.Categories = &Set{Bits: []uint32{r.Uint32()}, Others: r.IntN(2) == 0, Inverted: r.IntN(2) == 0}
		}
		nodes[i] = n
		nodes = append(nodes, ValueNode[float32]{Left: Leaf, Right: Leaf}, ValueNode[float32]{Left: Leaf, Right: Leaf})
	}
	t := ValueTree[float32, float64]{Nodes: nodes, Values: make([]float64, len(nodes)*width)}
	for i := range t.Values {
		t.Values[i] = r.NormFloat64()
	}
	return t
}

// walkPlainly returns the leaf of a row, by walking node by node.
func walkPlainly(t ValueTree[float32, float64], x []float32) int {
	i := 0
	for t.Nodes[i].Left != Leaf {
		n := t.Nodes[i]
		v := float64(x[n.Feature])
		var left bool
		switch {
		case math.IsNaN(v), n.ZeroMissing && math.Abs(v) <= 1e-35:
			left = n.NaNLeft
		case n.Categories != nil:
			left = n.Categories.Others
			if v > -1 && v < 32 && !(v < 0 && n.Categories.Inverted) {
				left = n.Categories.Bits[0]&(1<<int(v)) != 0 != n.Categories.Inverted
			}
		default:
			left = v <= float64(n.Threshold)
		}
		if i = n.Right; left {
			i = n.Left
		}
	}
	return i
}

// TestValuesAgainstPlainWalk compares random trees of all layouts with walkPlainly.
func TestValuesAgainstPlainWalk(t *testing.T) {
	t.Parallel()
	special := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, 1e-36, -0.5, 31, 32, 5, math.MaxFloat32}
	layouts := make(map[layout]int)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		features, width := 1+r.IntN(5), 1+r.IntN(3)
		if seed%20 == 0 {
			features += 4096 // too many for the layouts with small nodes
		}
		outputs := width + r.IntN(2)
		trees := make([]ValueTree[float32, float64], 1+r.IntN(6))
		for i := range trees {
			trees[i] = randomValues(r, features, width, r.IntN(40), seed%3 == 1, seed%4 == 1)
			trees[i].Output = r.IntN(outputs - width + 1)
		}
		f, err := NewValues(features, outputs, width, trees)
		if err != nil {
			t.Fatal(err)
		}
		for _, tree := range f.trees {
			layouts[tree.layout]++
		}
		n := r.IntN([]int{4, 300}[seed%2])
		x := make([]float32, n*features)
		for i := range x {
			if x[i] = float32(r.NormFloat64() * 3); r.IntN(4) == 0 && seed%2 == 0 {
				x[i] = special[r.IntN(len(special))]
			}
			if r.IntN(3) == 0 {
				x[i] = float32(math.Round(float64(x[i])))
			}
		}
		used := 1 + r.IntN(len(trees))
		got, want := make([]float64, n*outputs), make([]float64, n*outputs)
		f.Add(got, x, used)
		for i := range n {
			for _, tree := range trees[:used] {
				leaf := walkPlainly(tree, x[i*features:(i+1)*features])
				for k := range width {
					want[i*outputs+tree.Output+k] += tree.Values[leaf*width+k]
				}
			}
		}
		for i := range want {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
				t.Fatalf("seed %d, %d rows: sum %d is %v, want %v", seed, n, i, got[i], want[i])
			}
		}
	}
	if len(layouts) != 3 {
		t.Errorf("layouts %v occurred, want all three", layouts)
	}
}

// TestKeys checks that keys have the order of their numbers, and are converted back to
// them.
func TestKeys(t *testing.T) {
	t.Parallel()
	checkKeys(t, []float32{float32(math.Inf(-1)), -math.MaxFloat32, -1, math.Nextafter32(-1, 0), -math.SmallestNonzeroFloat32, 0,
		math.SmallestNonzeroFloat32, 1, math.Nextafter32(1, 2), math.MaxFloat32, float32(math.Inf(1))})
	checkKeys(t, []float64{math.Inf(-1), -math.MaxFloat64, -1, math.Nextafter(-1, 0), -math.SmallestNonzeroFloat64, 0,
		math.SmallestNonzeroFloat64, 1, math.Nextafter(1, 2), math.MaxFloat64, math.Inf(1)})
}

// checkKeys checks the keys of ascending numbers.
func checkKeys[X Float](t *testing.T, ascending []X) {
	high := nanHigh[X]()
	before := uint64(nanLow)
	for _, x := range ascending {
		k := key(x)
		if k <= before || k >= high {
			t.Errorf("%T %v: key %#x is not between %#x and %#x of NaN", x, x, k, before, high)
		}
		if got := number[X](k); got != float64(x) {
			t.Errorf("%T %v: its key is converted to %v", x, x, got)
		}
		if unused := k & math.MaxUint32; single[X]() && unused != 0 {
			t.Errorf("float32 %v: key %#x uses the bits of the column", x, k)
		}
		before = k
	}
	if zero := X(math.Copysign(0, -1)); key(zero) != key(-zero) {
		t.Errorf("%T: 0 and -0 have different keys", zero)
	}
}

// TestInfiniteThreshold checks that all numbers go left at a node with an infinite
// threshold. Only NaN goes where the node says.
func TestInfiniteThreshold(t *testing.T) {
	t.Parallel()
	for _, left := range []bool{false, true} {
		tree := ValueTree[float32, float64]{Nodes: []ValueNode[float32]{
			{Left: 1, Right: 2, Threshold: float32(math.Inf(1)), NaNLeft: left}, {Left: Leaf, Right: Leaf}, {Left: Leaf, Right: Leaf},
		}, Values: []float64{0, 1, 2}}
		f, err := NewValues(1, 1, 1, []ValueTree[float32, float64]{tree})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, 2)
		f.Add(got, []float32{float32(math.Inf(1)), float32(math.NaN())}, 1)
		if want := map[bool]float64{false: 2, true: 1}[left]; got[0] != 1 || got[1] != want {
			t.Errorf("NaN left %v: infinity and NaN end in leaves %v, want 1 and %v", left, got, want)
		}
	}
}

// TestEmptySet checks that a set without bits contains no number. -0.5 is category 0.
func TestEmptySet(t *testing.T) {
	t.Parallel()
	for _, others := range []bool{false, true} {
		s := Set{Others: others}
		for _, x := range []float64{-1, -0.5, 0, 0.5, 1, 32, math.Inf(1), math.Inf(-1)} {
			if s.goesLeft(x) != others {
				t.Errorf("goesLeft(%v) = %v, want %v", x, !others, others)
			}
		}
	}
}

// TestValuesRefuses checks the errors for malformed trees.
func TestValuesRefuses(t *testing.T) {
	t.Parallel()
	leaf := ValueNode[float64]{Left: Leaf, Right: Leaf}
	nan := math.NaN()
	for want, nodes := range map[string][]ValueNode[float64]{
		"no node":             {},
		"child 7 is not":      {{Left: 1, Right: 7}, leaf},
		"child 3 is not":      {{Left: 1, Right: 3}, leaf, leaf},
		"child -1 is not":     {{Left: 1, Right: -1}, leaf},
		"another parent":      {{Left: 1, Right: 1}, leaf},
		"child 0 has":         {{Left: 1, Right: 2}, {Left: 0, Right: 3}, leaf, leaf},
		"feature 3 is not":    {{Left: 1, Right: 2, Feature: 3}, leaf, leaf},
		"threshold is NaN":    {{Left: 1, Right: 2, Threshold: nan}, leaf, leaf},
		"feature -1 is not":   {{Left: 1, Right: 2, Feature: -1}, leaf, leaf},
		"child -2147483648 i": {{Left: math.MinInt32, Right: 2}, leaf, leaf},
	} {
		tree := ValueTree[float64, float64]{Nodes: nodes, Values: make([]float64, len(nodes))}
		_, err := NewValues(3, 1, 1, []ValueTree[float64, float64]{tree})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", nodes, err, want)
		}
	}
}

// TestValuesRefusesShapes checks that the number of values in a leaf must fit the outputs.
func TestValuesRefusesShapes(t *testing.T) {
	t.Parallel()
	leaves := func(nodes, width, output int) ValueTree[float32, float64] {
		n := make([]ValueNode[float32], nodes)
		for i := range n {
			n[i] = ValueNode[float32]{Left: Leaf, Right: Leaf}
		}
		return ValueTree[float32, float64]{Nodes: n, Values: make([]float64, nodes*width), Output: output}
	}
	for _, c := range []struct {
		features, outputs, width int
		tree                     ValueTree[float32, float64]
		want                     string
	}{
		{1, 1, 1, leaves(1, 1, 0), ""},
		{1, 3, 2, leaves(1, 2, 1), ""},
		{0, 1, 1, leaves(1, 1, 0), "leaves of 1 values, 1 outputs and 0 features"},
		{1, 1, 0, leaves(1, 0, 0), "leaves of 0 values"},
		{1, 1, 2, leaves(1, 2, 0), "leaves of 2 values, 1 outputs"},
		{1, math.MaxInt32 + 1, 1, leaves(1, 1, 0), "2147483648 outputs"},
		{1, 3, 2, leaves(1, 1, 0), "tree 0: 1 values for 1 nodes of 2"},
		{1, 3, 2, leaves(1, 2, 2), "tree 0: output 2 is not one of 3"},
		{1, 3, 2, leaves(1, 2, -1), "tree 0: output -1 is not one of 3"},
	} {
		f, err := NewValues(c.features, c.outputs, c.width, []ValueTree[float32, float64]{c.tree})
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%d values, %d outputs, %d features: got %v, want %q", c.width, c.outputs, c.features, err, c.want)
		case c.want == "" && (err != nil || f.Outputs() != c.outputs || f.Features() != c.features || f.Trees() != 1):
			t.Errorf("%d values, %d outputs, %d features: %v", c.width, c.outputs, c.features, err)
		}
	}
}

// TestAddPanicsOnShape checks that numbers which are not whole rows cause a panic.
func TestAddPanicsOnShape(t *testing.T) {
	t.Parallel()
	leaf := ValueTree[float32, float32]{Nodes: []ValueNode[float32]{{Left: Leaf, Right: Leaf}}, Values: []float32{1}}
	f, err := NewValues(2, 3, 1, []ValueTree[float32, float32]{leaf})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dst, x int }{{3, 1}, {3, 3}, {4, 2}, {2, 2}, {0, 2}, {3, 0}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d numbers for %d sums did not cause a panic", c.x, c.dst)
				}
			}()
			f.Add(make([]float32, c.dst), make([]float32, c.x), 1)
		}()
	}
}

// TestLayouts checks which layout a tree gets. The links of a linked tree have 16 bits.
func TestLayouts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		features int
		size     size
		want     layout
	}{
		{1, size{nodes: 1}, linked}, {1, size{nodes: 65536}, linked}, {1, size{nodes: 65537}, wide}, {2978, size{nodes: 1}, linked}, {2979, size{nodes: 1}, wide},
		{1, size{nodes: 1, special: true}, special}, {2979, size{nodes: 65537, special: true}, special},
	} {
		if got := (&Values[float32, float64]{features: c.features}).layout(c.size); got != c.want {
			t.Errorf("float32, %d features, %+v: got layout %v, want %v", c.features, c.size, got, c.want)
		}
		if got := (&Values[float64, float64]{features: c.features}).layout(c.size); got != max(c.want, wide) {
			t.Errorf("float64, %d features, %+v: got layout %v, want %v", c.features, c.size, got, max(c.want, wide))
		}
	}
}

// TestSetEdges checks that a category is a number without its fraction.
func TestSetEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x              float64
		left, inverted bool // of sets of 0 and 31
	}{
		{0, true, false}, {0.9, true, false}, {1, false, true}, {30.9, false, true}, {31, true, false}, {31.9, true, false},
		{32, false, false}, {-0.5, true, false}, {-1, false, false}, {1e300, false, false},
	} {
		if got := (&Set{Bits: []uint32{1<<31 | 1}}).goesLeft(c.x); got != c.left {
			t.Errorf("goesLeft(%v) = %v, want %v", c.x, got, c.left)
		}
		if got := (&Set{Bits: []uint32{1<<31 | 1}, Inverted: true}).goesLeft(c.x); got != c.inverted {
			t.Errorf("inverted: goesLeft(%v) = %v, want %v", c.x, got, c.inverted)
		}
	}
}

// TestZeroEdges checks that with ZeroMissing a number counts as zero up to float32(1e-35).
func TestZeroEdges(t *testing.T) {
	t.Parallel()
	tree := ValueTree[float64, float64]{Nodes: []ValueNode[float64]{
		{Left: 1, Right: 2, Threshold: -1, NaNLeft: true, ZeroMissing: true}, {Left: Leaf, Right: Leaf}, {Left: Leaf, Right: Leaf},
	}, Values: []float64{0, 1, 2}}
	f, err := NewValues(1, 1, 1, []ValueTree[float64, float64]{tree})
	if err != nil {
		t.Fatal(err)
	}
	edge := float64(float32(1e-35))
	x := []float64{0, edge, -edge, math.NaN(), math.Nextafter(edge, 1), math.Nextafter(-edge, -1), -1}
	for _, n := range []int{1, len(x)} { // rows at a time
		for at := 0; at < len(x); at += n {
			got := make([]float64, n)
			f.Add(got, x[at:at+n], 1)
			for i, v := range got {
				if want := []float64{1, 1, 1, 1, 2, 2, 1}[at+i]; v != want {
					t.Errorf("%v among %d rows ends in leaf %v, want %v", x[at+i], n, v, want)
				}
			}
		}
	}
}

// TestSizeOfTrees checks Size. A linked node takes 8 bytes besides its values, its top and
// its subtrees, and a wide node 16. A set takes 4 bytes for 32 bits.
func TestSizeOfTrees(t *testing.T) {
	t.Parallel()
	const nodes, width = 2001, 3
	path := func(set *Set) ValueTree[float32, float64] {
		tree := ValueTree[float32, float64]{Nodes: make([]ValueNode[float32], nodes), Values: make([]float64, nodes*width)}
		for i := range tree.Nodes {
			if tree.Nodes[i] = (ValueNode[float32]{Left: Leaf, Right: Leaf}); i%2 == 0 && i+2 < nodes {
				tree.Nodes[i] = ValueNode[float32]{Left: i + 1, Right: i + 2, Categories: set}
			}
		}
		return tree
	}
	size := func(features int, trees ...ValueTree[float32, float64]) int {
		f, err := NewValues(features, width, width, trees)
		if err != nil {
			t.Fatal(err)
		}
		return f.Size()
	}
	tree, linkedTree := int(unsafe.Sizeof(valueTree{})), int(unsafe.Sizeof(valueTree{}))
	if hasTops {
		linkedTree += int(unsafe.Sizeof(top{})) + 249*subtreeBytes // levels 4 to 999, four to each
	}
	for _, c := range []struct {
		name     string
		features int
		set      *Set
		want     int
	}{
		{"linked", 1, nil, linkedTree + nodes*(8+8*width)},
		{"wide", 5000, nil, tree + (nodes+1)*(16+8*width)},
		{"sets", 1, &Set{Bits: make([]uint32, 100)}, tree + (nodes+1)*(16+8*width+1) + nodes/2*(int(unsafe.Sizeof(Set{}))+4*100)},
	} {
		of := path(c.set)
		if got := size(c.features, of, of) - size(c.features, of); got != c.want {
			t.Errorf("%s: a tree takes %d bytes, want %d", c.name, got, c.want)
		}
	}
	if got := size(1); got < int(unsafe.Sizeof(Values[float32, float64]{})) {
		t.Errorf("a forest without trees takes %d bytes, want at least that of its struct", got)
	}
}

func BenchmarkValues(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	trees := make([]ValueTree[float32, float64], 100)
	for i := range trees {
		trees[i] = randomValues(r, 10, 1, 63, false, false)
	}
	f, err := NewValues(10, 1, 1, trees)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprint("rows=", n), func(b *testing.B) {
			x, dst := make([]float32, n*10), make([]float64, n)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			for b.Loop() {
				f.Add(dst, x, len(trees))
			}
		})
	}
}
