package sklearn

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// metric is a distance, up to a monotonic function.
type metric struct {
	reduced func(x, y []float64, p float64) float64
	finish  func(reduced, p float64) float64
	reduce  func(distance, p float64) float64 // its inverse
	p       float64
	name    string // as scikit-learn simplified it
	// prepared is what the distance is computed of, instead of a row; nil: the row itself.
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

// knownMetrics are the metrics that are read.
const knownMetrics = "use euclidean, manhattan, chebyshev, minkowski, seuclidean, mahalanobis, cosine, correlation, canberra, braycurtis, haversine or sqeuclidean"

// plainMetrics are those without parameters, as sklearn.metrics.DistanceMetric and
// pairwise_distances compute them.
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

// metricOf reads a metric by its name and parameters. Of a search tree it is that
// of DistanceMetric, else that of pairwise_distances, where the two differ.
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
		m = a.mahalanobis(given)
	default:
		m, known = plainMetrics[name]
		delete(given, "p") // which versions give beside metrics that have none
	}
	if name == "braycurtis" && !ofTree && a.version < 101 { // of SciPy
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

// metricParams returns the parameters that are given. Each that is used is taken out.
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

// takeVector returns the vector that a parameter is, nil if it is not given.
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

// weightedMinkowski is wminkowski, up to 1.2: differences are weighted, not their powers.
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

// standardized is seuclidean: squares are divided by the variances V.
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

// mahalanobis is the distance by the inverse VI of a covariance.
func (a *attrs) mahalanobis(given map[string]any) metric {
	v, ok := given["VI"]
	if a.err == nil && !ok {
		a.refuse("mahalanobis without VI", "give it the inverse of the covariance, as in metric_params={'VI': np.linalg.inv(np.cov(X.T))}")
		return metric{}
	}
	delete(given, "VI")
	inverse := a.matrixOf("metric_params VI", v, &a.in, &a.in)
	width := a.in.n
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

// haversine is of latitudes and longitudes in radians.
func haversine(x, y []float64, _ float64) float64 {
	a, b := math.Sin(0.5*(x[0]-y[0])), math.Sin(0.5*(x[1]-y[1]))
	return float64(a*a) + math.Cos(x[0])*math.Cos(y[0])*float64(b*b)
}

// cosine is of rows of length 1.
func cosine(x, y []float64, _ float64) float64 { return min(max(1-dot(x, y), 0), 2) }

// direction is a row divided by its length, if it has one.
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

// centredDirection is direction of a row less its mean.
func centredDirection(row []float64) []float64 {
	mean := pairwiseSum(row) / float64(len(row))
	to := make([]float64, len(row))
	for i, v := range row {
		to[i] = v - mean
	}
	return direction(to)
}
