package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// nearestRows is KNeighborsClassifier or KNeighborsRegressor.
type nearestRows struct {
	role
	neighborhood
	y          []float64                   // per fitted row: the position of its class, or its target
	byDistance bool                        // neighbours are weighted by 1/distance; false: all the same
	expanded   []float64                   // per fitted row: |row|², for expandedDistances; or nil
	norm       func(row []float64) float64 // |row|², as expanded was computed
	single     bool                        // the targets are float32, and so is their mean
}

func loadKNeighborsClassifier(a *attrs) *element {
	l := a.labels("classes_")
	m := &nearestRows{role: classifies(l, false, true)}
	return a.nearestRows(m, isClass(l))
}

func loadKNeighborsRegressor(a *attrs) *element {
	return a.nearestRows(&nearestRows{role: regresses}, anyValue)
}

// isClass returns a function that reports whether a number is the position of a class.
func isClass(l *labels) func(y float64) bool {
	return func(y float64) bool { return y >= 0 && y < float64(len(l.names)) && y == math.Trunc(y) }
}

func anyValue(float64) bool { return true }

func (a *attrs) nearestRows(m *nearestRows, valid func(y float64) bool) *element {
	count := &dim{what: "rows"}
	var order []int
	m.neighborhood, order = a.neighborhood("n_neighbors", count)
	m.y = a.targets(count, order, valid)
	m.byDistance = a.weighsByDistance()
	m.single = m.kind == predict.Regressor && !m.byDistance && a.isFloat32("_y")
	m.expand(a, count.n, order)
	return &element{role: m.role, predictor: m, size: m.neighborhood.size() + 16*count.n}
}

// targets reads the targets of the fitted rows, and puts them in the order of the search
// tree.
func (a *attrs) targets(count *dim, order []int, valid func(y float64) bool) []float64 {
	if shape := a.shape("_y"); len(shape) == 2 && shape[1] > 1 {
		a.refuse("several outputs", oneOutput)
	}
	targets := a.vector("_y", count)
	for i, y := range targets {
		if !valid(y) {
			a.fail("_y has %v at %d, which is none of the classes", y, i)
			return nil
		}
	}
	if a.err == nil && order != nil {
		targets = reordered(targets, order, 1)
	}
	return targets
}

// weighsByDistance reports whether neighbours are weighted by 1/distance.
func (a *attrs) weighsByDistance() bool {
	switch a.value("weights") {
	case nil, "uniform":
		return false
	case "distance":
		return true
	}
	a.refuse("weights by a function", "use weights='uniform' or 'distance'")
	return false
}

// expand prepares expandedDistances, if scikit-learn computes distances so: without a
// search tree, for Euclidean distances.
func (m *nearestRows) expand(a *attrs, count int, order []int) {
	if a.err != nil || order != nil || a.hasTree() || m.distance.name != "euclidean" && m.distance.name != "sqeuclidean" {
		return
	}
	m.norm = rowNorm
	if a.version >= 101 { // scikit-learn's ArgKmin, which uses BLAS
		m.norm = func(row []float64) float64 { return dot(row, row) }
	}
	m.expanded = make([]float64, count)
	for i := range m.expanded {
		m.expanded[i] = m.norm(m.fitted[i*m.width : (i+1)*m.width])
	}
}

// find finds the neighbours of a row, the nearest first.
func (m *nearestRows) find(near *neighbours, row []float64) {
	if m.expanded != nil {
		m.expandedDistances(near, row)
	} else {
		m.nearest(near, row)
	}
	near.sort()
}

// expandedDistances finds the neighbours by |x|² - 2 x·y + |y|². Scikit-learn does so
// without a search tree. The formula loses digits, and ranks near rows as it does there.
func (m *nearestRows) expandedDistances(near *neighbours, x []float64) {
	near.reset()
	xx := m.norm(x)
	for i, yy := range m.expanded {
		d := max(0, xx-2*dot(x, m.fitted[i*m.width:(i+1)*m.width])+yy)
		if d < near.distance[0] {
			near.push(d, i)
		}
	}
	for i, d := range near.distance {
		near.distance[i] = m.distance.finish(d, m.distance.p)
	}
}

func (m *nearestRows) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	near := neighbours{distance: a.take(m.k), row: a.take(m.k)}
	weights, values := a.take(m.k), a.take(m.k)
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		m.find(&near, row)
		m.weigh(weights, near.distance)
		if m.kind == predict.Regressor {
			for j, at := range near.row {
				values[j] = m.y[int(at)]
				if m.byDistance {
					values[j] *= weights[j]
				}
			}
			switch {
			case m.single:
				out.pred[i] = mean32(values)
			case m.byDistance:
				out.pred[i] = pairwiseSum(values) / pairwiseSum(weights)
			default:
				out.pred[i] = pairwiseSum(values) / float64(m.k)
			}
			continue
		}
		proba := out.proba[i*m.probabilities : (i+1)*m.probabilities]
		clear(proba)
		for j, at := range near.row {
			proba[int(m.y[int(at)])] += weights[j]
		}
		out.pred[i] = float64(argmax(proba))
		if sum := pairwiseSum(proba); sum != 0 {
			for k := range proba {
				proba[k] /= sum
			}
		}
	}
	return nil
}

// weigh sets the weights of neighbours. If a distance is 0, only neighbours at distance 0
// count.
func (m *nearestRows) weigh(weights, distances []float64) {
	for j := range weights {
		weights[j] = 1
	}
	if !m.byDistance {
		return
	}
	if distances[0] == 0 { // distances ascend
		for j, d := range distances {
			if d != 0 {
				weights[j] = 0
			}
		}
		return
	}
	for j, d := range distances {
		weights[j] = 1 / d
	}
}
