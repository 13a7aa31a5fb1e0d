package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// quadratic is QuadraticDiscriminantAnalysis.
type quadratic struct {
	role
	means    []float64 // a row for each class
	width    int
	roots    [][]float64  // per class: a row for each axis, its direction divided by its standard deviation
	constant [][2]float64 // per class: the sum of the logarithms of the variances, and that of the prior
}

func loadQuadratic(a *attrs) *element {
	m := &quadratic{role: classifies(a.labels("classes_"), true, true)}
	classes := exactly(len(m.classes.names), "classes")
	m.means = a.matrix("means_", classes, &a.in)
	prior := a.vector("priors_", classes)
	rotations, scalings := a.items("rotations_"), a.items("scalings_")
	if a.err == nil && (len(rotations) != classes.n || len(scalings) != classes.n) {
		a.fail("rotations_ and scalings_ are of %d and %d classes, where there are %d", len(rotations), len(scalings), classes.n)
	}
	if a.err != nil {
		return nil
	}
	m.width = a.in.n
	size := 8 * len(m.means)
	for c, p := range prior {
		axes := &dim{what: "axes"}
		rotation := a.matrixOf(fmt.Sprintf("rotations_[%d]", c), rotations[c], &a.in, axes)
		variances := a.vectorOf(fmt.Sprintf("scalings_[%d]", c), scalings[c], axes)
		if a.err != nil {
			return nil
		}
		logs := make([]float64, len(variances))
		roots := transposed(rotation, m.width)
		for k, v := range variances {
			if v <= 0 || p < 0 {
				a.fail("class %d has the variance %v and the prior %v", c, v, p)
				return nil
			}
			logs[k] = math.Log(v)
			for j := range m.width {
				roots[k*m.width+j] *= math.Pow(v, -0.5)
			}
		}
		m.roots = append(m.roots, roots)
		m.constant = append(m.constant, [2]float64{pairwiseSum(logs), math.Log(p)})
		size += 8 * len(roots)
	}
	return &element{role: m.role, predictor: m, size: size}
}

func (m *quadratic) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	from := a.take(m.width)
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		joint := out.proba[i*m.probabilities : (i+1)*m.probabilities]
		for c := range joint {
			for j, v := range row {
				from[j] = v - m.means[c*m.width+j]
			}
			y := a.take(len(m.roots[c]) / m.width)
			product(y, from, m.roots[c], m.width)
			for k, v := range y {
				y[k] = v * v
			}
			joint[c] = -0.5*(pairwiseSum(y)+m.constant[c][0]) + m.constant[c][1]
			a.release(a.used - len(y))
		}
		m.decideBy(out, i, joint)
	}
	return nil
}

// decideBy sets the class and the scores of row i from joint, the log-posterior of each
// class. It overwrites joint with the probabilities.
func (r *role) decideBy(out outcome, i int, joint []float64) {
	out.pred[i] = float64(argmax(joint))
	if len(joint) == 2 {
		out.score[i] = joint[1] - joint[0]
	} else {
		copy(out.score[i*r.scores:], joint)
	}
	most := joint[argmax(joint)]
	for c, v := range joint {
		joint[c] = libm.Exp(v - most)
	}
	sum := pairwiseSum(joint)
	for c := range joint {
		joint[c] /= sum
	}
}

// nearestCentroid is NearestCentroid. It predicts the class of the nearest centroid. Since
// 1.6 it has scores for Euclidean distances.
type nearestCentroid struct {
	role
	centroids []float64 // a row for each class
	width     int
	distance  metric
	spread    []float64 // per column: divides rows and centroids for the scores; nil before 1.6
	scaled    []float64 // the centroids divided by spread
	constant  []float64 // per class: added to its score
	even      bool      // all classes have the same prior: the distances decide
}

func loadNearestCentroid(a *attrs) *element {
	scores := a.version >= 106 && a.value("metric") == any("euclidean")
	m := &nearestCentroid{role: classifies(a.labels("classes_"), scores, scores), even: true}
	classes := exactly(len(m.classes.names), "classes")
	m.centroids = a.matrix("centroids_", classes, &a.in)
	m.width = a.in.n
	m.distance = a.metricOf(a.value("metric"), nil, false)
	if a.err != nil {
		return nil
	}
	if a.version >= 106 {
		m.spread = a.vector("within_class_std_dev_", &a.in)
		for c, p := range a.vector("class_prior_", classes) {
			m.even = m.even && math.Abs(p-1/float64(classes.n)) <= 1e-8+1e-5/float64(classes.n)
			m.constant = append(m.constant, 2*math.Log(p))
			if p < 0 {
				a.fail("class_prior_ is %v at %d", p, c)
			}
		}
		m.scaled = append(m.scaled, m.centroids...)
		for i := range m.scaled {
			if a.err == nil && m.spread[i%m.width] != 0 {
				m.scaled[i] /= m.spread[i%m.width]
			}
		}
	}
	return &element{role: m.role, predictor: m, size: 16 * len(m.centroids)}
}

func (m *nearestCentroid) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes := len(m.classes.names)
	distances, scaled := a.take(classes), a.take(m.width)
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		if m.spread != nil {
			for j, v := range row {
				if scaled[j] = v; m.spread[j] != 0 {
					scaled[j] = v / m.spread[j]
				}
			}
			m.distances(distances, scaled, m.scaled)
			for c, d := range distances {
				distances[c] = -float64(d*d) + m.constant[c]
			}
			if m.scores == 0 {
				out.pred[i] = float64(argmax(distances))
			} else {
				joint := out.proba[i*classes : (i+1)*classes]
				copy(joint, distances)
				m.decideBy(out, i, joint)
			}
		}
		if m.even {
			m.distances(distances, row, m.centroids)
			nearest := 0
			for c, d := range distances {
				if d < distances[nearest] {
					nearest = c
				}
			}
			out.pred[i] = float64(nearest)
		}
	}
	return nil
}

func (m *nearestCentroid) distances(dst, row, centroids []float64) {
	for c := range dst {
		dst[c] = m.distance.between(row, centroids[c*m.width:(c+1)*m.width])
	}
}
