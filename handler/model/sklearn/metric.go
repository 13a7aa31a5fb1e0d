package sklearn

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// metric is a distance. Like scikit-learn's DistanceMetric it works with reduced
// distances, which have the same order but are faster to compute: the square of a
// Euclidean distance for instance.
type metric struct {
	reduced func(x, y []float64, p float64) float64
	finish  func(reduced, p float64) float64  // turns a reduced distance into a distance
	reduce  func(distance, p float64) float64 // the inverse of finish
	p       float64                           // of Minkowski's metric; 1, 2 and +Inf for its special cases
	name    string                            // an alias is replaced by the metric's main name
	// prepared transforms each row before reduced gets it; nil for the row itself.
	prepared func(row []float64) []float64
}

// between returns the distance of two rows.
func (m *metric) between(x, y []float64) float64 {
	if m.prepared != nil {
		x, y = m.prepared(x), m.prepared(y)
	}
	return m.finish(m.reduced(x, y, m.p), m.p)
}

var euclidean = metric{reduced: squared, finish: root, reduce: square, p: 2, name: "euclidean"}

func root(d, _ float64) float64   { return math.Sqrt(d) }
func square(d, _ float64) float64 { return d * d }
func itself(d, _ float64) float64 { return d }

// knownMetrics names the supported metrics, for errors.
const knownMetrics = "use euclidean, manhattan, chebyshev, minkowski, seuclidean, mahalanobis, cosine, correlation, canberra, braycurtis, haversine or sqeuclidean"

// plainMetrics are the metrics without parameters, computed like
// sklearn.metrics.DistanceMetric and pairwise_distances.
var plainMetrics = map[string]metric{
	"euclidean":   euclidean,
	"manhattan":   {reduced: manhattan, finish: itself, reduce: itself, p: 1, name: "manhattan"},
	"chebyshev":   {reduced: chebyshev, finish: itself, reduce: itself, p: math.Inf(1), name: "chebyshev"},
	"sqeuclidean": {reduced: squared, finish: itself, reduce: itself, name: "sqeuclidean"},
	"canberra":    {reduced: canberra, finish: itself, reduce: itself, name: "canberra"},
	"braycurtis":  {reduced: brayCurtis, finish: itself, reduce: itself, name: "braycurtis"},
	"cosine":      {reduced: cosine, finish: itself, reduce: itself, name: "cosine", prepared: direction},
	"correlation": {reduced: cosine, finish: itself, reduce: itself, name: "correlation", prepared: centredDirection},
	"haversine": {
		reduced: haversine, name: "haversine",
		finish: func(d, _ float64) float64 { return 2 * math.Asin(math.Sqrt(d)) },
		reduce: func(d, _ float64) float64 { s := math.Sin(0.5 * d); return s * s },
	},
}

var metricAliases = map[string]string{"l1": "manhattan", "cityblock": "manhattan", "l2": "euclidean", "infinity": "chebyshev"}

// metricOf returns the metric with a name and parameters. If ofTree is true it is that of
// DistanceMetric, otherwise that of pairwise_distances. The two differ for braycurtis.
func (a *attrs) metricOf(named, params any, ofTree bool) metric {
	name, ok := named.(string)
	if a.err == nil && !ok {
		a.refuse("a metric of your own", knownMetrics)
	}
	if a.err != nil {
		return metric{}
	}
	given := a.metricParams(params)
	if full, ok := metricAliases[name]; ok {
		name = full
	}
	var m metric
	known := true
	switch name {
	case "minkowski", "p":
		m = a.minkowski(given)
	case "wminkowski":
		m = a.weightedMinkowski(given)
	case "seuclidean":
		m = a.standardized(given)
	case "mahalanobis":
		m = a.mahalanobis(given, ofTree)
	default:
		m, known = plainMetrics[name]
		delete(given, "p") // some versions write p for metrics that do not use it
	}
	if name == "braycurtis" && !ofTree && a.version < 101 { // SciPy's
		m.reduced = brayCurtisOfSums
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		a.refuse(fmt.Sprintf("metric_params of %.40q", key), "use a metric without parameters, or minkowski, seuclidean or mahalanobis with those that scikit-learn names")
	}
	switch {
	case a.err != nil:
	case !known:
		a.refuse(fmt.Sprintf("the metric %.40q", name), knownMetrics)
	case name == "haversine" && a.in.n != 0 && a.in.n != 2:
		a.fail("haversine of %d columns: it is of latitude and longitude", a.in.n)
	}
	return m
}

// metricParams returns the parameters that are not None. The function that uses one
// deletes it, so that those left over can be refused.
func (a *attrs) metricParams(params any) map[string]any {
	given := make(map[string]any)
	if d, ok := params.(*pickle.Dict); ok {
		for _, e := range d.Entries {
			if key, _ := e.Key.(string); e.Value != nil {
				given[key] = e.Value
			}
		}
	}
	return given
}

// takeVector returns a parameter that is a vector, or nil, and deletes it.
func (a *attrs) takeVector(given map[string]any, key string) []float64 {
	v, ok := given[key]
	if !ok {
		return nil
	}
	delete(given, key)
	return a.vectorOf("metric_params "+key, v, &a.in)
}

func (a *attrs) power(given map[string]any) float64 {
	p := 2.0
	if v, ok := given["p"]; ok {
		delete(given, "p")
		var err error
		if p, err = numpy.Float(v); err != nil {
			a.fail("metric_params p: %w", err)
		}
	}
	if !(p > 0) {
		a.fail("p is %v", p)
	}
	return p
}

func (a *attrs) minkowski(given map[string]any) metric {
	p, w := a.power(given), a.takeVector(given, "w")
	switch {
	case math.IsInf(p, 1):
		return plainMetrics["chebyshev"]
	case w == nil && p == 2:
		return euclidean
	}
	m := metric{reduced: power, finish: func(d, p float64) float64 { return math.Pow(d, 1/p) }, reduce: math.Pow, p: p, name: "minkowski"}
	if w != nil {
		m.name = "weighted minkowski"
		m.reduced = func(x, y []float64, p float64) float64 {
			sum := 0.0
			for i, v := range x {
				sum += float64(w[i] * math.Pow(math.Abs(v-y[i]), p))
			}
			return sum
		}
	}
	return m
}

// weightedMinkowski is wminkowski, which scikit-learn had up to 1.2. It multiplies the
// differences by the weights, not their powers.
func (a *attrs) weightedMinkowski(given map[string]any) metric {
	p, w := a.power(given), a.takeVector(given, "w")
	if a.err == nil && w == nil {
		a.fail("wminkowski has no weights w")
	}
	return metric{
		reduced: func(x, y []float64, p float64) float64 {
			sum := 0.0
			for i, v := range x {
				sum += math.Pow(math.Abs(w[i]*(v-y[i])), p)
			}
			return sum
		},
		finish: func(d, p float64) float64 { return math.Pow(d, 1/p) }, reduce: math.Pow, p: p, name: "wminkowski",
	}
}

// standardized is seuclidean, which divides the squares by the variances V.
func (a *attrs) standardized(given map[string]any) metric {
	variances := a.takeVector(given, "V")
	if a.err == nil && variances == nil {
		a.refuse("seuclidean without V", "give it the variances of the columns, as in metric_params={'V': X.var(axis=0)}")
	}
	return metric{
		reduced: func(x, y []float64, _ float64) float64 {
			sum := 0.0
			for i, v := range x {
				d := v - y[i]
				sum += d * d / variances[i]
			}
			return sum
		},
		finish: root, reduce: square, name: "seuclidean",
	}
}

// mahalanobis is the Mahalanobis distance, with the inverse VI of the covariance. The
// search trees of neighbours also take the covariance V, and invert it.
func (a *attrs) mahalanobis(given map[string]any, ofTree bool) metric {
	v, ok := given["VI"]
	covariance, hasCovariance := given["V"]
	invert := !ok && hasCovariance && ofTree
	if invert {
		v, ok = covariance, true
		delete(given, "V")
	}
	if a.err == nil && !ok {
		a.refuse("mahalanobis without VI", "give it the inverse of the covariance, as in metric_params={'VI': np.linalg.inv(np.cov(X.T))}")
		return metric{}
	}
	delete(given, "VI")
	inverse := a.matrixOf("the matrix of metric_params", v, &a.in, &a.in)
	width := a.in.n
	if invert && a.err == nil {
		inverse = a.inverted(inverse, width)
	}
	return metric{
		reduced: func(x, y []float64, _ float64) float64 {
			sum := 0.0
			for i, v := range x {
				part := 0.0
				for j, w := range x {
					part += float64(inverse[i*width+j] * (w - y[j]))
				}
				sum += float64(part * (v - y[i]))
			}
			return sum
		},
		finish: root, reduce: square, name: "mahalanobis",
	}
}

// inverted returns the inverse of a covariance of n columns.
func (a *attrs) inverted(covariance []float64, n int) []float64 {
	for i := range n {
		for j := range i {
			if covariance[i*n+j] != covariance[j*n+i] {
				a.fail("V of metric_params is not symmetric, and so no covariance")
				return nil
			}
		}
	}
	return pseudoInverse(slices.Clone(covariance), n)
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

func canberra(x, y []float64, _ float64) float64 {
	sum := 0.0
	for i, v := range x {
		if total := math.Abs(v) + math.Abs(y[i]); total > 0 {
			sum += math.Abs(v-y[i]) / total
		}
	}
	return sum
}

func brayCurtis(x, y []float64, _ float64) float64 {
	var apart, total float64
	for i, v := range x {
		apart += math.Abs(v - y[i])
		total += math.Abs(v) + math.Abs(y[i])
	}
	if total > 0 {
		return apart / total
	}
	return 0
}

// brayCurtisOfSums is braycurtis as SciPy has it.
func brayCurtisOfSums(x, y []float64, _ float64) float64 {
	var apart, total float64
	for i, v := range x {
		apart += math.Abs(v - y[i])
		total += math.Abs(v + y[i])
	}
	return apart / total
}

// haversine takes latitude and longitude, in radians.
func haversine(x, y []float64, _ float64) float64 {
	a, b := math.Sin(0.5*(x[0]-y[0])), math.Sin(0.5*(x[1]-y[1]))
	return float64(a*a) + math.Cos(x[0])*math.Cos(y[0])*float64(b*b)
}

// cosine takes rows of length 1.
func cosine(x, y []float64, _ float64) float64 { return min(max(1-dot(x, y), 0), 2) }

// direction returns a row divided by its length, or the row if its length is 0.
func direction(row []float64) []float64 {
	length := math.Sqrt(dot(row, row))
	if length == 0 {
		return row
	}
	to := make([]float64, len(row))
	for i, v := range row {
		to[i] = v / length
	}
	return to
}

// centredDirection subtracts the mean of a row and returns its direction.
func centredDirection(row []float64) []float64 {
	mean := pairwiseSum(row) / float64(len(row))
	to := make([]float64, len(row))
	for i, v := range row {
		to[i] = v - mean
	}
	return direction(to)
}
