package sklearn

// localOutlierFactor is sklearn.neighbors.LocalOutlierFactor(novelty=True). It compares
// the density around a row with the densities around its nearest fitted rows. A score of
// 0 is normal.
type localOutlierFactor struct {
	neighborhood
	reach   []float64 // per fitted row: the distance to its k-th neighbour
	density []float64 // per fitted row: the local reachability density, _lrd
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

func (s *localOutlierFactor) predict(out outcome, x []float64, n int, a *arena) error {
	pred, score := out.predictionsAndScores(n, a)
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

// factor returns minus the local outlier factor of a row that has these neighbours.
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
