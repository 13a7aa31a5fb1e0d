package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// localOutlierFactor is sklearn.neighbors.LocalOutlierFactor(novelty=True):
// the density around a row, against that around its nearest neighbours among
// the rows it was fitted on. 0 is normal.
type localOutlierFactor struct {
	neighborhood
	reach   []float64 // of each fitted row, the distance to its k-th neighbour
	density []float64 // of each fitted row
	offset  float64
}

func loadLocalOutlierFactor(a *attrs) *element {
	if a.version < 20 || !a.bool("novelty") {
		a.refuse("novelty=False", "fit it with novelty=True (scikit-learn 0.20 and later)")
		return nil
	}
	s := &localOutlierFactor{offset: a.finite("offset_")}
	count, nearest := &dim{what: "rows"}, &dim{what: "neighbours"}
	var order []int
	s.neighborhood, order = a.neighborhood("n_neighbors_", count)
	s.density = a.vector("_lrd", count)
	distances := a.matrix("_distances_fit_X_", count, nearest)
	if a.err == nil && nearest.n < s.k {
		a.fail("_distances_fit_X_ has %d columns, fewer than the %d neighbours", nearest.n, s.k)
	}
	if a.err != nil {
		return nil
	}
	for i := range count.n {
		s.reach = append(s.reach, distances[i*nearest.n+s.k-1])
	}
	if order != nil {
		s.density, s.reach = reordered(s.density, order, 1), reordered(s.reach, order, 1)
	}
	return &element{role: detects, predictor: s, size: s.neighborhood.size() + 16*count.n}
}

// metric is a distance, up to a monotonic function.
type metric struct {
	reduced func(x, y []float64, p float64) float64
	finish  func(reduced, p float64) float64
	reduce  func(distance, p float64) float64 // its inverse
	p       float64
	name    string // as scikit-learn simplified it
}

var euclidean = metric{squared, func(d, _ float64) float64 { return math.Sqrt(d) }, func(d, _ float64) float64 { return d * d }, 2, "euclidean"}

// metric reads the distance: the parameter metric after scikit-learn has
// simplified it.
func (a *attrs) metric() metric {
	name, _ := a.value("effective_metric_").(string)
	p := 2.0
	if params, ok := a.value("effective_metric_params_").(*pickle.Dict); ok {
		for _, e := range params.Entries {
			switch power, isFloat := e.Value.(float64); {
			case e.Key == any("p") && isFloat:
				p = power
			case e.Key == any("p"):
				n, _ := e.Value.(int64)
				p = float64(n)
			case e.Value != nil:
				a.refuse("metric_params", "use a metric without parameters")
			}
		}
	}
	if name != "" {
		return a.metricNamed(name, p)
	}
	a.refuse("a metric of your own", "use euclidean, manhattan, chebyshev or minkowski")
	return metric{}
}

// metricNamed returns the metric of that name; p is of minkowski.
func (a *attrs) metricNamed(name string, p float64) metric {
	same := func(d, _ float64) float64 { return d }
	switch name {
	case "manhattan", "l1", "cityblock":
		return metric{manhattan, same, same, 1, "manhattan"}
	case "euclidean", "l2":
		return euclidean
	case "chebyshev", "infinity":
		return metric{chebyshev, same, same, math.Inf(1), "chebyshev"}
	case "minkowski", "p":
		return a.minkowski(p)
	}
	a.refuse(fmt.Sprintf("the metric %.40q", name), "use euclidean, manhattan, chebyshev or minkowski")
	return metric{}
}

func (a *attrs) minkowski(p float64) metric {
	switch {
	case p == 2:
		return euclidean
	case p > 0 && p < math.MaxFloat64:
		return metric{power, func(d, p float64) float64 { return math.Pow(d, 1/p) }, math.Pow, p, "minkowski"}
	}
	a.fail("p is %v", p)
	return metric{}
}

func squared(x, y []float64, _ float64) float64 {
	sum := 0.0
	for i, v := range x {
		d := v - y[i]
		sum += float64(d * d)
	}
	return sum
}

func manhattan(x, y []float64, _ float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += math.Abs(v - y[i])
	}
	return sum
}

func chebyshev(x, y []float64, _ float64) float64 {
	most := 0.0
	for i, v := range x {
		most = max(most, math.Abs(v-y[i]))
	}
	return most
}

func power(x, y []float64, p float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += math.Pow(math.Abs(v-y[i]), p)
	}
	return sum
}

func (s *localOutlierFactor) predict(out outcome, x []float64, n int, a *arena) error {
	pred, score := out.verdicts(n, a)
	_ = s.scoreSamples(score, x, a)
	for i := range score {
		score[i] -= s.offset
	}
	negatives(pred, score)
	return nil
}

func (s *localOutlierFactor) scoreSamples(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	near := neighbours{distance: a.take(s.k), row: a.take(s.k)}
	for i := range dst {
		s.nearest(&near, x[i*s.width:(i+1)*s.width])
		dst[i] = s.factor(&near)
	}
	return nil
}

// factor is minus the local outlier factor of a row with these neighbours.
func (s *localOutlierFactor) factor(near *neighbours) float64 {
	k := float64(s.k)
	sum := 0.0
	for i, d := range near.distance {
		sum += max(d, s.reach[int(near.row[i])])
	}
	density := 1 / (sum/k + 1e-10)
	ratios := 0.0
	for _, row := range near.row {
		ratios += s.density[int(row)] / density
	}
	return -(ratios / k)
}
