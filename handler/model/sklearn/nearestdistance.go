package sklearn

// nearestDistance is NearestNeighbors as a detector. Its score is the mean distance to a
// row's neighbours, kneighbors(rows)[0].mean(axis=1). High scores are anomalies.
type nearestDistance struct {
	nearestRows
	order []int // of the fitted rows in the search tree; nil: as fitted
}

func loadNearestNeighbors(a *attrs) *element {
	count := &dim{what: "rows"}
	m := &nearestDistance{}
	m.neighborhood, m.order = a.neighborhood("n_neighbors", count)
	m.expand(a, count.n, m.order)
	return &element{role: distant, predictor: m, size: m.neighborhood.size() + 8*count.n}
}

func (m *nearestDistance) predict(out outcome, x []float64, n int, a *arena) error {
	clear(out.pred)
	if out.score == nil {
		return nil
	}
	defer a.release(a.used)
	near := neighbours{distance: a.take(m.k), row: a.take(m.k)}
	for i := range n {
		m.find(&near, x[i*m.width:(i+1)*m.width])
		out.score[i] = pairwiseSum(near.distance) / float64(m.k)
	}
	return nil
}
