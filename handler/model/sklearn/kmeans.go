package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// kMeans is KMeans, MiniBatchKMeans, Birch, MeanShift or AffinityPropagation: as a
// transformer the distances to the centres, as a detector the distance to the
// nearest, of which high is an anomaly. What it predicts is the cluster of the
// nearest centre.
type kMeans struct {
	centres []float64
	squares []float64 // |centre|²
	cluster []float64 // of each centre; nil if each is one
	width   int
}

// rowNorm is |row|² in the order of sklearn.utils.extmath.row_norms, which is
// numpy's einsum since 1.20: two sums, of numbers at even and at odd positions, in
// blocks of eight from the end.
func rowNorm(row []float64) float64 {
	var even, odd float64
	for ; len(row) >= 8; row = row[8:] {
		for i := 6; i >= 0; i -= 2 {
			even += float64(row[i] * row[i])
			odd += float64(row[i+1] * row[i+1])
		}
	}
	for i, x := range row {
		if i%2 == 0 {
			even += float64(x * x)
		} else {
			odd += float64(x * x)
		}
	}
	return even + odd
}

// distant is the role of a detector whose scores are distances.
var distant = role{kind: predict.Detector, scores: 1, unlimited: true, anomalies: predict.High}

func loadKMeans(a *attrs) *element { return a.centres("cluster_centers_", nil) }

// loadCentres loads an estimator that only predicts.
func loadCentres(a *attrs) *element {
	e := a.centres("cluster_centers_", nil)
	e.transformer, e.out = nil, 0
	return e
}

// loadBirch: the subclusters are the centres, which may be of fewer clusters.
func loadBirch(a *attrs) *element {
	count := &dim{what: "subclusters"}
	labels := a.vector("subcluster_labels_", count)
	return a.centres("subcluster_centers_", labels)
}

func (a *attrs) centres(name string, cluster []float64) *element {
	count := &dim{what: "clusters", n: len(cluster)}
	m := &kMeans{centres: a.matrix(name, count, &a.in), cluster: cluster}
	m.width = a.in.n
	for i := range count.n {
		if a.err == nil {
			centre := m.centres[i*m.width : (i+1)*m.width]
			m.squares = append(m.squares, rowNorm(centre))
		}
	}
	a.note("clusters", count.n)
	return &element{role: distant, predictor: m, transformer: m, out: count.n, size: 8 * (len(m.centres) + count.n)}
}

// transform is euclidean_distances: by |x|² - 2 x·c + |c|².
func (m *kMeans) transform(dst, src []float64, n int, _ *arena) error {
	product(dst, src, m.centres, m.width)
	count := len(m.squares)
	for i := range n {
		row := src[i*m.width : (i+1)*m.width]
		xx := rowNorm(row)
		for k, xc := range dst[i*count : (i+1)*count] {
			dst[i*count+k] = math.Sqrt(max(0, xx-2*xc+m.squares[k]))
		}
	}
	return nil
}

func (m *kMeans) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	count := len(m.squares)
	distances := a.take(n * count)
	if err := m.transform(distances, x, n, a); err != nil {
		return err
	}
	for i := range n {
		nearest := 0
		for k, d := range distances[i*count : (i+1)*count] {
			if d < distances[i*count+nearest] {
				nearest = k
			}
		}
		if out.pred != nil {
			if out.pred[i] = float64(nearest); m.cluster != nil {
				out.pred[i] = m.cluster[nearest]
			}
		}
		if out.score != nil {
			out.score[i] = distances[i*count+nearest]
		}
	}
	return nil
}

// mahalanobis is EmpiricalCovariance, MinCovDet and their kin as a detector: its
// score is mahalanobis(), the squared distance from the centre; high is an
// anomaly.
type mahalanobis struct{ *ellipticEnvelope }

func loadCovariance(a *attrs) *element {
	m := &mahalanobis{a.covariance()}
	return &element{role: distant, predictor: m, size: 8 * (len(m.location) + len(m.precision))}
}

func (m *mahalanobis) predict(out outcome, x []float64, n int, a *arena) error {
	clear(out.pred)
	if out.score != nil {
		m.distances(out.score, x, a)
	}
	return nil
}
