package sklearn

import "fmt"

// propagation is LabelPropagation or LabelSpreading. A row's probabilities are those of
// the fitted rows, weighted by a kernel, or those of the nearest fitted rows.
type propagation struct {
	role
	kernel        *kernelRows  // kernel='rbf'
	near          *nearestRows // kernel='knn'
	distributions []float64    // per fitted row: a probability for each class
}

func loadPropagation(a *attrs) *element {
	l := a.labels("classes_")
	m := &propagation{role: classifies(l, false, true)}
	count, classes := &dim{what: "rows"}, exactly(len(l.names), "classes")
	m.distributions = a.matrix("label_distributions_", count, classes)
	if a.err != nil {
		return nil
	}
	size := 8 * len(m.distributions)
	switch kernel := a.value("kernel"); kernel {
	case "rbf":
		m.kernel = a.kernelRows("X_", count)
		size += 8 * len(m.kernel.components)
	case "knn":
		e := a.nested("nn_fit", a.value("nn_fit"))
		if a.err != nil {
			return nil
		}
		near, ok := e.predictor.(*nearestDistance)
		if !ok {
			a.fail("nn_fit is no NearestNeighbors")
			return nil
		}
		m.near = &near.nearestRows
		if len(m.near.fitted) != count.n*m.near.width || a.in.n != 0 && a.in.n != m.near.width {
			a.fail("nn_fit has other rows than label_distributions_")
			return nil
		}
		if near.order != nil {
			m.distributions = reordered(m.distributions, near.order, classes.n)
		}
		a.in.n = m.near.width
		size += e.size
	default:
		a.refuse(fmt.Sprintf("the kernel %.40v", kernel), "use kernel='rbf' or 'knn'")
	}
	return &element{role: m.role, predictor: m, size: size}
}

func (m *propagation) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes := m.probabilities
	rows := len(m.distributions) / classes
	width := len(x) / n
	for i := range n {
		proba := out.proba[i*classes : (i+1)*classes]
		clear(proba)
		if m.near != nil {
			m.ofNearest(proba, x[i*width:(i+1)*width], a)
		} else {
			m.byKernel(proba, x[i*width:(i+1)*width], rows, a)
		}
		sum := pairwiseSum(proba)
		for c := range proba {
			proba[c] /= sum
		}
	}
	mostProbable(out.pred, out.proba)
	return nil
}

func (m *propagation) ofNearest(proba, row []float64, a *arena) {
	defer a.release(a.used)
	near := neighbours{distance: a.take(m.near.k), row: a.take(m.near.k)}
	m.near.find(&near, row)
	for _, at := range near.row {
		for c := range proba {
			proba[c] += m.distributions[int(at)*len(proba)+c]
		}
	}
}

func (m *propagation) byKernel(proba, row []float64, rows int, a *arena) {
	defer a.release(a.used)
	weights := a.take(rows)
	m.kernel.values(weights, row, 1, a)
	for k, w := range weights {
		for c := range proba {
			proba[c] += float64(w * m.distributions[k*len(proba)+c])
		}
	}
}
