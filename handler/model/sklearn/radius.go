package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// withinRadius is RadiusNeighborsClassifier or RadiusNeighborsRegressor. It predicts from
// the fitted rows within a radius.
type withinRadius struct {
	role
	neighborhood
	radius     float64
	y          []float64 // per fitted row: the position of its class, or its target
	byDistance bool      // neighbours are weighted by 1/distance
	single     bool      // the targets are float32, and so is their mean
	outlier    int       // the class of a row without neighbours; -1 if that is an error
}

func loadRadiusClassifier(a *attrs) *element {
	l := a.labels("classes_")
	m := &withinRadius{role: classifies(l, false, a.version >= 22), outlier: -1}
	if a.has("outlier_label_") { // since 0.22
		m.outlier = a.outlierClass(l, "outlier_label_")
	} else if a.has("outlier_label") {
		m.outlier = a.outlierClass(l, "outlier_label")
	}
	return a.withinRadius(m, isClass(l))
}

func loadRadiusRegressor(a *attrs) *element {
	return a.withinRadius(&withinRadius{role: regresses}, anyValue)
}

// outlierClass returns the position of the class of rows without neighbours.
func (a *attrs) outlierClass(l *labels, name string) int {
	v := a.value(name)
	if items := pickle.Items(v); len(items) == 1 {
		v = items[0]
	} else if array, err := numpy.Parse(v); err == nil && array.Len() == 1 {
		if items, err = array.Items(a.budget); err == nil {
			v = items[0]
		}
	}
	text, err := pythonText(v, 64)
	if err != nil {
		a.fail("%s: %w", name, err)
		return -1
	}
	at := l.position(text)
	if at < 0 {
		a.refuse(fmt.Sprintf("the outlier label %.40q, which is none of the classes,", text), "use outlier_label='most_frequent', or one of the classes")
	}
	return at
}

func (a *attrs) withinRadius(m *withinRadius, valid func(y float64) bool) *element {
	count := &dim{what: "rows"}
	m.radius = a.finite("radius")
	var order []int
	m.neighborhood, order = a.neighborhood("", count)
	m.y = a.targets(count, order, valid)
	m.byDistance = a.weighsByDistance()
	m.single = m.kind == predict.Regressor && !m.byDistance && a.isFloat32("_y")
	if a.err != nil {
		return nil
	}
	return &element{role: m.role, predictor: m, size: m.neighborhood.size() + 8*count.n}
}

func (m *withinRadius) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	var proba []float64
	if m.classes != nil {
		proba = a.take(len(m.classes.names))
	}
	limit := m.distance.reduce(m.radius, m.distance.p)
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		if m.distance.prepared != nil {
			row = m.distance.prepared(row)
		}
		found := nearby{limit: limit}
		m.within(&found, row, 0)
		if m.kind == predict.Regressor {
			out.pred[i] = m.mean(&found)
			continue
		}
		if m.probabilities > 0 {
			proba = out.proba[i*len(proba) : (i+1)*len(proba)]
		}
		clear(proba)
		switch {
		case len(found.rows) > 0:
			m.vote(proba, &found)
		case m.outlier >= 0:
			proba[m.outlier] = 1
		default:
			return fmt.Errorf("row %d: none of the fitted rows is within the radius of %v: fit it with a larger radius, or with outlier_label='most_frequent'", i, m.radius)
		}
		out.pred[i] = float64(argmax(proba))
	}
	return nil
}

// mean returns the weighted mean of the neighbours' targets, or NaN without neighbours.
func (m *withinRadius) mean(found *nearby) float64 {
	var sum, total float64
	for i, at := range found.rows {
		w := m.weight(found, i)
		sum += float64(w * m.y[at])
		total += w
	}
	switch {
	case len(found.rows) == 0:
		return math.NaN()
	case m.single:
		values := make([]float64, len(found.rows))
		for i, at := range found.rows {
			values[i] = m.y[at]
		}
		return mean32(values)
	}
	return sum / total
}

// vote sets proba, which is 0, to the weighted shares of the neighbours' classes.
func (m *withinRadius) vote(proba []float64, found *nearby) {
	for i, at := range found.rows {
		proba[int(m.y[at])] += m.weight(found, i)
	}
	if sum := pairwiseSum(proba); sum != 0 {
		for c := range proba {
			proba[c] /= sum
		}
	}
}

// weight returns the weight of neighbour i. If a distance is 0, only neighbours at
// distance 0 count.
func (m *withinRadius) weight(found *nearby, i int) float64 {
	switch d := found.distances[i]; {
	case !m.byDistance:
		return 1
	case found.same && d != 0:
		return 0
	case found.same:
		return 1
	default:
		return 1 / m.distance.finish(d, m.distance.p)
	}
}

// nearby are the rows within a radius. Limit and distances are reduced distances; see
// metric.
type nearby struct {
	limit     float64
	rows      []int
	distances []float64
	same      bool // a distance is 0
}

// within adds the rows below a node that are within the limit.
func (s *neighborhood) within(found *nearby, x []float64, at int) {
	n := &s.tree.nodes[at]
	if !n.leaf {
		for _, child := range []int{2*at + 1, 2*at + 2} {
			if s.least(child, x) <= found.limit {
				s.within(found, x, child)
			}
		}
		return
	}
	for row := int(n.rows[0]); row < int(n.rows[1]); row++ {
		d := s.distance.reduced(x, s.fitted[row*s.width:(row+1)*s.width], s.distance.p)
		if d <= found.limit {
			found.rows, found.distances = append(found.rows, row), append(found.distances, d)
			found.same = found.same || d == 0
		}
	}
}
