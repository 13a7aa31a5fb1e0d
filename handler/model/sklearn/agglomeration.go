package sklearn

import (
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// agglomeration is FeatureAgglomeration. It puts columns together in groups, and
// returns one number for each group, the mean for instance.
type agglomeration struct {
	groups [][]int // the columns of each group
	pool   func(values []float64) float64
	most   int // columns in the largest group
}

// pools are the functions of numpy that pooling_func may be.
var pools = map[string]func(values []float64) float64{
	"mean": func(v []float64) float64 { return pairwiseSum(v) / float64(len(v)) },
	"sum":  pairwiseSum[float64],
	"max":  slices.Max[[]float64], "amax": slices.Max[[]float64],
	"min": slices.Min[[]float64], "amin": slices.Min[[]float64],
	"median": func(v []float64) float64 {
		slices.Sort(v)
		if n := len(v); n%2 == 0 {
			return (v[n/2-1] + v[n/2]) / 2
		}
		return v[len(v)/2]
	},
}

func loadFeatureAgglomeration(a *attrs) *element {
	t := &agglomeration{}
	if g, ok := a.value("pooling_func").(pickle.Global); ok && ofNumpy(g) {
		t.pool = pools[g.Name]
	}
	if a.err == nil && t.pool == nil {
		a.refuse("a pooling_func of its own", "use numpy's mean, median, max, min or sum")
	}
	for column, label := range a.vector("labels_", &a.in) {
		if !(label >= 0 && label < float64(a.in.n) && label == math.Trunc(label)) {
			a.fail("labels_ is %v at %d", label, column)
			return nil
		}
		for len(t.groups) <= int(label) {
			t.groups = append(t.groups, nil)
		}
		t.groups[int(label)] = append(t.groups[int(label)], column)
		t.most = max(t.most, len(t.groups[int(label)]))
	}
	t.groups = slices.DeleteFunc(t.groups, func(g []int) bool { return len(g) == 0 })
	return &element{transformer: t, out: len(t.groups), size: 32 * a.in.n}
}

func (t *agglomeration) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	width, values := len(src)/n, a.take(t.most)
	for i := range n {
		row := src[i*width : (i+1)*width]
		for g, columns := range t.groups {
			for k, c := range columns {
				values[k] = row[c]
			}
			dst[i*len(t.groups)+g] = t.pool(values[:len(columns)])
		}
	}
	return nil
}
