package sklearn

import (
	"math"
	"slices"
)

// pyodPCA is pyod.models.pca.PCA. Its score is the sum of the distances between a row and
// the components, each divided by the share of the variance that the component explains.
type pyodPCA struct {
	scaler     *element  // scales the rows first; nil without standardization
	components []float64 // row-major
	weights    []float64 // per component: its share of the variance
	width      int
}

func loadPyODPCA(a *attrs) (scorer, int) {
	p := &pyodPCA{}
	if a.boolOr("standardization", true) {
		if p.scaler = a.inner("scaler_"); a.err != nil {
			return nil, 0
		}
		if p.scaler.transformer == nil || p.scaler.out != p.scaler.in {
			a.fail("scaler_ is %s, no scaler", p.scaler.label)
			return nil, 0
		}
		a.agree("scaler_", &a.in, p.scaler.in)
	}
	count := &dim{what: "components"}
	p.components = a.matrix("selected_components_", count, &a.in)
	p.weights = a.vector("selected_w_components_", count)
	p.width = a.in.n
	if i := slices.Index(p.weights, 0); i >= 0 {
		a.fail("selected_w_components_ is 0 at %d: distances are divided by it", i)
	}
	a.note("components", count.n)
	return p, 8 * (len(p.components) + len(p.weights))
}

func (p *pyodPCA) scores(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	if p.scaler != nil {
		scaled := a.take(len(x))
		if err := p.scaler.transform(scaled, x, len(dst), a); err != nil {
			return err
		}
		x = scaled
	}
	distances := a.take(len(p.weights))
	for i := range dst {
		row := x[i*p.width : (i+1)*p.width]
		for k, w := range p.weights {
			distances[k] = distanceOf(row, p.components[k*p.width:(k+1)*p.width]) / w
		}
		dst[i] = pairwiseSum(distances)
	}
	return nil
}

// distanceOf returns the Euclidean distance between two rows.
func distanceOf(x, y []float64) float64 { return math.Sqrt(squared(x, y, 2)) }

// cblof is pyod.models.cblof.CBLOF. Its score is the distance between a row and the centre
// of its cluster. If that cluster is small, it is the distance to the nearest centre of a
// large one.
type cblof struct {
	clusters *element  // predicts the cluster of a row
	centres  []float64 // a row for each cluster
	sizes    []float64 // per cluster: multiplies the score; nil without use_weights
	large    []bool    // per cluster
	width    int
}

func loadCBLOF(a *attrs) (scorer, int) {
	c := &cblof{clusters: a.inner("clustering_estimator_")}
	count := &dim{what: "clusters"}
	c.centres = a.matrix("cluster_centers_", count, &a.in)
	labels := a.vector("large_cluster_labels_", &dim{what: "large clusters"})
	sizes := a.vector("cluster_sizes_", count)
	if a.boolOr("use_weights", false) {
		c.sizes = sizes
	}
	if a.err != nil {
		return nil, 0
	}
	if _, ok := c.clusters.predictor.(*kMeans); !ok {
		a.refuse("clusters by "+c.clusters.label, "leave clustering_estimator out, or use KMeans")
		return nil, 0
	}
	a.agree("clustering_estimator_", &a.in, c.clusters.in)
	a.agree("clustering_estimator_", count, c.clusters.out)
	c.width, c.large = a.in.n, make([]bool, count.n)
	for _, label := range labels {
		if label < 0 || label >= float64(count.n) || label != math.Trunc(label) {
			a.fail("large_cluster_labels_ has %v, which is none of %d clusters", label, count.n)
			return nil, 0
		}
		c.large[int(label)] = true
	}
	a.note("clusters", count.n)
	return c, c.clusters.size + 16*len(c.centres)
}

func (c *cblof) scores(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	nearest := a.take(len(dst))
	if err := c.clusters.predict(outcome{pred: nearest}, x, len(dst), a); err != nil {
		return err
	}
	from := func(row []float64, k int) float64 { return distanceOf(row, c.centres[k*c.width:(k+1)*c.width]) }
	for i := range dst {
		row, k := x[i*c.width:(i+1)*c.width], int(nearest[i])
		if c.large[k] {
			dst[i] = from(row, k)
		} else {
			dst[i] = math.Inf(1)
			for other, large := range c.large {
				if large {
					dst[i] = min(dst[i], from(row, other))
				}
			}
		}
		if c.sizes != nil {
			dst[i] *= c.sizes[k]
		}
	}
	return nil
}

// inne is pyod.models.inne.INNE. Each of its estimators has balls around sampled rows. The
// score is the mean over the estimators of the ratio of the smallest ball that contains
// the row.
type inne struct {
	centres  []float64 // estimators × samples × columns
	squares  []float64 // per ball: the squared norm of its centre
	radius   []float64 // per ball: its squared radius
	ratio    []float64 // per ball: how isolated it is, from 0 to 1
	samples  int       // balls of an estimator
	width    int
	ensemble int // estimators
}

func loadINNE(a *attrs) (scorer, int) {
	m := &inne{}
	count, samples := &dim{what: "estimators"}, &dim{what: "samples"}
	m.radius, m.ratio = a.matrix("_centroids_radius", count, samples), a.matrix("_ratio", count, samples)
	shape, centres := a.array("_centroids")
	if a.err != nil {
		return nil, 0
	}
	if len(shape) != 3 || shape[0] != count.n || shape[1] != samples.n {
		a.fail("_centroids has the shape %v, where %d × %d × columns is wanted", shape, count.n, samples.n)
		return nil, 0
	}
	a.checkFinite("_centroids", centres)
	a.agree("_centroids", &a.in, shape[2])
	m.centres, m.ensemble, m.samples, m.width = centres, count.n, samples.n, a.in.n
	for k := range m.radius {
		if a.err == nil {
			centre := centres[k*m.width : (k+1)*m.width]
			m.squares = append(m.squares, norm(centre))
		}
	}
	return m, 8 * (len(m.centres) + 3*len(m.radius))
}

// norm returns the square of a row's length.
func norm(v []float64) float64 {
	sum := 0.0
	for _, f := range v {
		sum += float64(f * f)
	}
	return sum
}

func (m *inne) scores(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	isolation := a.take(m.ensemble)
	for i := range dst {
		row := x[i*m.width : (i+1)*m.width]
		xx := norm(row)
		for e := range isolation {
			isolation[e] = m.isolation(row, xx, e)
		}
		sum := 0.0 // in order, like numpy.mean over the first axis
		for _, v := range isolation {
			sum += v
		}
		dst[i] = sum / float64(m.ensemble)
	}
	return nil
}

// isolation returns the ratio of the smallest ball of estimator e that contains the row,
// or 1 if none does. Xx is the squared norm of the row. Distances are computed like
// euclidean_distances.
func (m *inne) isolation(row []float64, xx float64, e int) float64 {
	ratio, smallest := 1.0, math.Inf(1)
	for k := e * m.samples; k < (e+1)*m.samples; k++ {
		xc := 0.0
		for j, c := range m.centres[k*m.width : (k+1)*m.width] {
			xc = math.FMA(row[j], c, xc)
		}
		if d := max(0, float64(-2*xc)+xx+m.squares[k]); d <= m.radius[k] && m.radius[k] < smallest {
			ratio, smallest = m.ratio[k], m.radius[k]
		}
	}
	return ratio
}

// pyodKNN is pyod.models.knn.KNN. Its score is the distance to the k-th neighbour, or the
// mean or the median of the distances to all k.
type pyodKNN struct {
	neighborhood
	method string // largest, mean or median
}

func loadPyODKNN(a *attrs) (scorer, int) {
	k := &pyodKNN{method: a.text("method")}
	k.neighborhood = a.nearestNeighbors("neigh_")
	if !slices.Contains([]string{"largest", "mean", "median"}, k.method) {
		a.fail("method %.40q is none of largest, mean and median", k.method)
	}
	return k, k.neighborhood.size()
}

// nearestNeighbors reads the NearestNeighbors in an attribute. The number of neighbours
// is n_neighbors of this estimator, not of the NearestNeighbors.
func (a *attrs) nearestNeighbors(name string) (h neighborhood) {
	o, rows := a.inside(name), &dim{what: "rows"}
	if a.err != nil {
		return h
	}
	if o.Class.Name != "NearestNeighbors" {
		a.fail("%s is no NearestNeighbors", name)
		return h
	}
	inner := &attrs{loader: a.loader, object: o, class: a.class + "." + name, step: a.step, in: a.in}
	h, _ = inner.neighborhood("n_neighbors", rows)
	k := a.count("n_neighbors")
	if a.err == nil {
		a.err = inner.err
	}
	if a.err == nil && k > rows.n {
		a.fail("%d neighbours among %d rows", k, rows.n)
	}
	if a.err == nil {
		a.agree(name, &a.in, inner.in.n)
		h.k = k
		a.note("rows", rows.n)
		a.note("neighbors", k)
	}
	return h
}

// nearestOf returns a neighborhood of the rows in an attribute, without a search tree.
func (a *attrs) nearestOf(name string) neighborhood {
	rows := &dim{what: "rows"}
	h := neighborhood{fitted: a.matrix(name, rows, &a.in), k: a.count("n_neighbors"), distance: euclidean}
	h.width = a.in.n
	h.tree.nodes = []node{{leaf: true, rows: [2]int32{0, int32(rows.n)}}}
	if a.err == nil && h.k > rows.n {
		a.fail("%d neighbours among %d rows", h.k, rows.n)
	}
	a.note("rows", rows.n)
	a.note("neighbors", h.k)
	return h
}

func (k *pyodKNN) scores(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	near := neighbours{distance: a.take(k.k), row: a.take(k.k)}
	for i := range dst {
		k.nearest(&near, x[i*k.width:(i+1)*k.width])
		near.sort()
		switch d := near.distance; k.method {
		case "largest":
			dst[i] = d[len(d)-1]
		case "mean":
			dst[i] = pairwiseSum(d) / float64(len(d))
		default:
			dst[i] = (d[(len(d)-1)/2] + d[len(d)/2]) / 2
		}
	}
	return nil
}

// abod is pyod.models.abod.ABOD. Its score is minus the variance of the angles between
// the vectors from a row to pairs of other rows: its neighbours, or all fitted rows.
type abod struct {
	neighborhood           // method='fast'
	all          []float64 // method='default': the fitted rows
}

// maxPairs is the largest number of pairs that a row is compared with.
const maxPairs = 500_000

func loadABOD(a *attrs) (scorer, int) {
	m := &abod{}
	switch method := a.text("method"); {
	case a.err != nil:
	case method == "fast":
		if a.has("neigh_") {
			m.neighborhood = a.nearestNeighbors("neigh_")
		} else {
			m.neighborhood = a.nearestOf("X_train_") // PyOD before 3.0 built a KDTree of these rows
		}
		if a.err == nil && m.k*(m.k-1)/2 > maxPairs {
			a.refuse("so many neighbours", "fit it with n_neighbors of at most 1000")
		}
	default:
		rows := &dim{what: "rows"}
		m.all = a.matrix("X_train_", rows, &a.in)
		m.width = a.in.n
		if a.err == nil && rows.n*(rows.n-1)/2 > maxPairs {
			a.refuse("method='default' and over 1000 rows", "fit it with method='fast'")
		}
	}
	return m, 8*len(m.all) + m.neighborhood.size()
}

func (m *abod) scores(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	var near neighbours
	if m.all == nil {
		near = neighbours{distance: a.take(m.k), row: a.take(m.k)}
	}
	for i := range dst {
		row := x[i*m.width : (i+1)*m.width]
		if m.all != nil {
			dst[i] = -m.variance(row, len(m.all)/m.width, func(k int) []float64 { return m.all[k*m.width : (k+1)*m.width] }, a)
			continue
		}
		m.nearest(&near, row)
		near.sort()
		dst[i] = -m.variance(row, m.k, func(k int) []float64 {
			at := int(near.row[k])
			return m.fitted[at*m.width : (at+1)*m.width]
		}, a)
	}
	return nil
}

// variance returns numpy.var of the weighted cosines of x with all pairs of n rows. Rows
// equal to x do not count. Without pairs it is NaN.
func (m *abod) variance(x []float64, n int, row func(int) []float64, a *arena) float64 {
	defer a.release(a.used)
	cosines := a.take(n * (n - 1) / 2)[:0]
	for i := range n {
		p := row(i)
		if slices.Equal(p, x) {
			continue
		}
		for j := i + 1; j < n; j++ {
			if q := row(j); !slices.Equal(q, x) {
				cosines = append(cosines, weightedCosine(x, p, q))
			}
		}
	}
	mean := pairwiseSum(cosines) / float64(len(cosines))
	for i, c := range cosines {
		cosines[i] = (c - mean) * (c - mean)
	}
	return pairwiseSum(cosines) / float64(len(cosines))
}

// weightedCosine returns the scalar product of the vectors from x to p and from x to q,
// divided by the squares of their lengths.
func weightedCosine(x, p, q []float64) float64 {
	product, pp, qq := 0.0, 0.0, 0.0
	for j, v := range x {
		u, w := p[j]-v, q[j]-v
		product += float64(u * w)
		pp += float64(u * u)
		qq += float64(w * w)
	}
	lengthP, lengthQ := math.Sqrt(pp), math.Sqrt(qq)
	return product / (lengthP * lengthP) / (lengthQ * lengthQ)
}
