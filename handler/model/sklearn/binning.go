package sklearn

import (
	"fmt"
	"math"
	"sort"
)

// bins is sklearn.preprocessing.KBinsDiscretizer. It replaces a number by the number of
// its bin, or by a column for each bin (one-hot).
type bins struct {
	edges  [][]float64 // per column: the edges between its bins, ascending
	near   bool        // before 1.1: a number a little below an edge is in the bin above it
	oneHot bool
	at     []int // per column: the position of its first output
	out    int   // columns of the output
}

func loadKBins(a *attrs) *element {
	counts := a.vector("n_bins_", &a.in)
	t := &bins{near: a.version < 101}
	switch encode := a.text("encode"); encode {
	case "ordinal":
	case "onehot", "onehot-dense":
		t.oneHot = true
	default:
		a.fail("encode %.40q is none of ordinal, onehot, onehot-dense", encode)
	}
	edges := a.listOf("bin_edges_")
	if a.err != nil || !a.agree("bin_edges_", &a.in, len(edges)) {
		return nil
	}
	for i, v := range edges {
		if counts[i] < 1 || counts[i] != math.Trunc(counts[i]) || counts[i] > maxFeatures {
			a.fail("n_bins_ is %v at %d", counts[i], i)
			return nil
		}
		all := a.vectorOf(fmt.Sprintf("bin_edges_[%d]", i), v, exactly(int(counts[i])+1, "edges"))
		if a.err != nil {
			return nil
		}
		t.edges = append(t.edges, all[1:len(all)-1])
		t.at = append(t.at, t.out)
		if t.oneHot {
			t.out += int(counts[i])
		} else {
			t.out++
		}
	}
	e := &element{transformer: t, out: t.out, size: 32 * t.out}
	if a.text("encode") == "onehot" {
		e.sparse = sparse
	}
	return e
}

func (t *bins) transform(dst, src []float64, _ int, _ *arena) error {
	width := len(t.edges)
	if t.oneHot {
		clear(dst)
	}
	for i, x := range src {
		if t.near {
			x += 1e-8 + 1e-5*math.Abs(x)
		}
		edges := t.edges[i%width]
		bin := sort.Search(len(edges), func(k int) bool { return edges[k] > x })
		to := i/width*t.out + t.at[i%width]
		if t.oneHot {
			dst[to+bin] = 1
		} else {
			dst[to] = float64(bin)
		}
	}
	return nil
}

// binarizer is sklearn.preprocessing.Binarizer: 1 above a threshold.
type binarizer float64

func loadBinarizer(a *attrs) *element {
	return &element{transformer: binarizer(a.finite("threshold")), in: a.featuresOrAny()}
}

func (t binarizer) transform(dst, src []float64, _ int, _ *arena) error {
	for i, x := range src {
		dst[i] = 0
		if x > float64(t) {
			dst[i] = 1
		}
	}
	return nil
}
