package forest_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/forest"
)

// grow returns a random tree over this number of features and samples. Its nodes are in
// scikit-learn's order, depth first.
func grow(r *rand.Rand, features, samples, depth int) forest.Tree {
	var nodes []forest.Node
	var build func(samples, depth int) int
	build = func(samples, depth int) int {
		i := len(nodes)
		nodes = append(nodes, forest.Node{Left: forest.Leaf, Right: forest.Leaf, Feature: -2, Threshold: -2, Samples: samples})
		if samples < 2 || depth == 0 {
			return i
		}
		left := 1 + r.IntN(samples-1)
		nodes[i].Feature, nodes[i].Threshold, nodes[i].NaNLeft = r.IntN(features), r.NormFloat64(), r.IntN(2) == 0
		l := build(left, depth-1)
		nodes[i].Left, nodes[i].Right = l, build(samples-left, depth-1)
		return i
	}
	build(samples, depth)
	return forest.Tree{Nodes: nodes}
}

// normal returns n numbers from the standard normal distribution.
func normal(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// reference returns the path length of a row, from the trees as they were given.
func reference(trees []forest.Tree, row []float64, length func(int, int) float64) float64 {
	sum := 0.0
	for _, t := range trees {
		i, depth := 0, 0
		for t.Nodes[i].Left != forest.Leaf {
			n := t.Nodes[i]
			column := n.Feature
			if t.Features != nil {
				column = t.Features[column]
			}
			x := float64(float32(row[column]))
			if i = n.Right; x <= n.Threshold || math.IsNaN(x) && n.NaNLeft {
				i = n.Left
			}
			depth++
		}
		sum += length(depth, t.Nodes[i].Samples)
	}
	return sum
}

// TestPathLengths compares random forests with reference.
func TestPathLengths(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct{ features, trees, samples, depth int }{
		{1, 1, 1, 8}, {1, 1, 2, 8}, {1, 100, 256, 8}, {8, 100, 256, 8}, {128, 3, 256, 8}, {3, 2, 500, 500},
	} {
		var trees []forest.Tree
		for range tt.trees {
			trees = append(trees, grow(r, tt.features, tt.samples, tt.depth))
		}
		trees = append(trees, subset(r, grow(r, 1, 20, 5), tt.features))
		for _, length := range []func(int, int) float64{forest.PathLength, forest.PathLength019} {
			f, err := forest.New(tt.features, trees, length)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{0, 1, 2, 3, 4, 10, 11, 12, 263, 264, 265, 300} {
				x, got := normal(r, n*tt.features), make([]float64, n)
				for range len(x) / 20 {
					x[r.IntN(min(len(x), 40*tt.features))] = [3]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)]
				}
				f.PathLengths(got, x)
				for i := range got {
					if want := reference(trees, x[i*tt.features:], length); got[i] != want {
						t.Fatalf("%+v, row %d of %d: got %v, want %v", tt, i, n, got[i], want)
					}
				}
			}
		}
	}
}

// subset returns t, which has one feature, over a random one of these columns.
func subset(r *rand.Rand, t forest.Tree, features int) forest.Tree {
	t.Features = []int{r.IntN(features)}
	return t
}

// TestThresholds checks that a row goes left where float32(x) <= threshold, compared as
// float64.
func TestThresholds(t *testing.T) {
	t.Parallel()
	up := func(x float32) float64 { return float64(math.Nextafter32(x, math.MaxFloat32)) }
	for _, tt := range []struct{ threshold, x float64 }{
		{1, 1}, {1, up(1)}, {1, 1 + 1e-12}, {1 - 1e-12, 1}, {1 + 1e-12, 1}, {1 + 1e-12, up(1)},
		{-1 - 1e-12, -1}, {-1 + 1e-12, -1}, {0, 0}, {0, 1e-320}, {-1e-300, 0}, {1e-300, 0}, {1e-300, 1e-45},
		{1e300, 3e38}, {-1e300, -3e38}, {math.MaxFloat32, math.MaxFloat32}, {0.1, 0.1}, {float64(float32(0.1)), 0.1},
	} {
		trees := []forest.Tree{{Nodes: []forest.Node{
			{Left: 1, Right: 2, Threshold: tt.threshold, Samples: 9},
			{Left: forest.Leaf, Right: forest.Leaf, Samples: 1},
			{Left: forest.Leaf, Right: forest.Leaf, Samples: 8},
		}}}
		f, err := forest.New(1, trees, forest.PathLength)
		if err != nil {
			t.Fatal(err)
		}
		var got [1]float64
		f.PathLengths(got[:], []float64{tt.x})
		if want := reference(trees, []float64{tt.x}, forest.PathLength); got[0] != want {
			t.Errorf("x %g, threshold %g: got %v, want %v", tt.x, tt.threshold, got[0], want)
		}
	}
}

// TestAveragePathLength compares with _average_path_length of scikit-learn 1.2.1.
func TestAveragePathLength(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]float64{0: 0, 1: 0, 2: 1, 3: 1.207392357589623, 5: 2.327020052042847, 256: 10.244770920119917, 1000: 12.969940887100172} {
		if got := forest.AveragePathLength(n); math.Abs(got-want) > 1e-14*want {
			t.Errorf("AveragePathLength(%d) = %v, want %v", n, got, want)
		}
	}
}

// TestPathLengthOfLeaf checks that a leaf of several samples adds their average path
// length to its depth.
func TestPathLengthOfLeaf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		depth, samples int
		want           float64
	}{{0, 1, 0}, {3, 1, 3}, {0, 2, 1}, {7, 256, 17.244770920119917}} {
		if got := forest.PathLength(c.depth, c.samples); math.Abs(got-c.want) > 1e-14*c.want {
			t.Errorf("PathLength(%d, %d) = %v, want %v", c.depth, c.samples, got, c.want)
		}
	}
}

// TestPathLengthOfLeaf019 checks the path lengths of scikit-learn up to 0.20, which differ
// for leaves of one and two samples.
func TestPathLengthOfLeaf019(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		depth, samples int
		want           float64
	}{{0, 0, 1}, {3, 1, 4}, {0, 2, 0.15443132980306573}, {2, 3, 3.207392357589623}, {7, 256, 17.244770920119917}} {
		if got := forest.PathLength019(c.depth, c.samples); math.Abs(got-c.want) > 1e-14*c.want {
			t.Errorf("PathLength019(%d, %d) = %v, want %v", c.depth, c.samples, got, c.want)
		}
	}
}

// TestNewErrors checks the errors for malformed trees.
func TestNewErrors(t *testing.T) {
	t.Parallel()
	leaf := forest.Node{Left: forest.Leaf, Right: forest.Leaf, Samples: 1}
	split := func(left, right int) forest.Node { return forest.Node{Left: left, Right: right, Samples: 2} }
	tests := []struct {
		name     string
		features int
		tree     forest.Tree
		want     string
	}{
		{"no feature", 0, forest.Tree{Nodes: []forest.Node{leaf}}, "0 features"},
		{"no node", 1, forest.Tree{}, "no node"},
		{"loop", 1, forest.Tree{Nodes: []forest.Node{split(0, 1), leaf}}, "node 0: child 0"},
		{"child beyond", 1, forest.Tree{Nodes: []forest.Node{split(1, 2), leaf}}, "node 0: child 2"},
		{"one child", 1, forest.Tree{Nodes: []forest.Node{split(forest.Leaf, 1), leaf}}, "child -1"},
		{"twins", 1, forest.Tree{Nodes: []forest.Node{split(1, 1), leaf}}, "another parent"},
		{"diamond", 1, forest.Tree{Nodes: []forest.Node{split(1, 2), split(3, 4), split(3, 4), leaf, leaf}}, "node 2: child 3"},
		{"orphan", 1, forest.Tree{Nodes: []forest.Node{leaf, leaf}}, "node 1: no node"},
		{"feature", 1, forest.Tree{Nodes: []forest.Node{{Left: 1, Right: 2, Feature: 1}, leaf, leaf}}, "feature 1"},
		{"feature of subset", 3, forest.Tree{Nodes: []forest.Node{{Left: 1, Right: 2, Feature: 1}, leaf, leaf}, Features: []int{2}}, "feature 1"},
		{"column", 1, forest.Tree{Nodes: []forest.Node{leaf}, Features: []int{1}}, "column 1"},
		{"infinite threshold", 1, forest.Tree{Nodes: []forest.Node{{Left: 1, Right: 2, Threshold: math.Inf(-1)}, leaf, leaf}}, "node 0: threshold -Inf is not finite"},
		{"negative feature", 1, forest.Tree{Nodes: []forest.Node{{Left: 1, Right: 2, Feature: -1}, leaf, leaf}}, "feature -1 is not one of 1"},
		{"negative column", 1, forest.Tree{Nodes: []forest.Node{leaf}, Features: []int{-1}}, "column -1 is not one of 1"},
		{"too many features", math.MaxInt32/22 + 1, forest.Tree{Nodes: []forest.Node{leaf}}, "97612894 features: there must be one at least, and fewer than 97612893"},
		{"threshold", 1, forest.Tree{Nodes: []forest.Node{{Left: 1, Right: 2, Threshold: math.NaN()}, leaf, leaf}}, "threshold NaN"},
		{"samples", 1, forest.Tree{Nodes: []forest.Node{{Left: forest.Leaf, Right: forest.Leaf, Samples: -1}}}, "samples"},
	}
	for _, tt := range tests {
		_, err := forest.New(tt.features, []forest.Tree{tt.tree}, forest.PathLength)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := forest.New(1, nil, forest.PathLength); err == nil {
		t.Error("a forest without trees was accepted")
	}
}

// TestPathLengthsPanicsOnShape checks that numbers which are not whole rows cause a panic.
func TestPathLengthsPanicsOnShape(t *testing.T) {
	t.Parallel()
	f, err := forest.New(2, []forest.Tree{{Nodes: []forest.Node{{Left: forest.Leaf, Right: forest.Leaf}}}}, forest.PathLength)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("three numbers for two rows of two features did not cause a panic")
		}
	}()
	f.PathLengths(make([]float64, 2), make([]float64, 3))
}

// hundred returns a forest of the size that scikit-learn's defaults give.
func hundred(tb testing.TB, r *rand.Rand) *forest.Forest {
	tb.Helper()
	var trees []forest.Tree
	for range 100 {
		trees = append(trees, grow(r, 8, 256, 8))
	}
	f, err := forest.New(8, trees, forest.PathLength)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// TestSize checks that a forest takes at most half of its pickle's size. A pickle has
// 64 bytes for a node and 8 for its value.
func TestSize(t *testing.T) {
	t.Parallel()
	f, nodes := hundred(t, rand.New(rand.NewPCG(1, 2))), 0
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		nodes += len(grow(r, 8, 256, 8).Nodes)
	}
	if f.Size() > nodes*72/2 {
		t.Errorf("%d nodes take %d bytes, want at most %d", nodes, f.Size(), nodes*72/2)
	}
}

// TestPathLengthsDoesNotAllocate checks that PathLengths allocates no memory.
func TestPathLengthsDoesNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f, x, dst := hundred(t, r), normal(r, 8*200), make([]float64, 200)
	if n := testing.AllocsPerRun(5, func() { f.PathLengths(dst, x) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkPathLengths(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	f := hundred(b, r)
	for _, n := range []int{1, 1000} {
		b.Run(map[int]string{1: "rows=1", 1000: "rows=1000"}[n], func(b *testing.B) {
			x, dst := normal(r, 8*n), make([]float64, n)
			b.ReportAllocs()
			for b.Loop() {
				f.PathLengths(dst, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*f.Trees()), "ns/row×tree")
		})
	}
}
