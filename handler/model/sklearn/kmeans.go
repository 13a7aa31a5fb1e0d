package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// kMeans is KMeans, MiniBatchKMeans, Birch, MeanShift or AffinityPropagation. As a
// transformer it returns the distances to the centres. As a detector it predicts the
// cluster of the nearest centre, and its score is the distance to it. High scores are
// anomalies.
type kMeans struct {
	centres []float64
	squares []float64 // per centre: its squared norm
	cluster []float64 // per centre: its cluster; nil if each centre is one cluster
	width   int
}

// rowNorm returns |row|². It adds in the order of sklearn.utils.extmath.row_norms, which
// is that of einsum since numpy 1.20: one sum of the numbers at even positions and one of
// those at odd positions, in blocks of eight, each block from its end.
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

// loadCentres loads an estimator that has predict and no transform.
func loadCentres(a *attrs) *element {
	e := a.centres("cluster_centers_", nil)
	e.transformer, e.out = nil, 0
	return e
}

// loadBirch loads Birch. Its centres are those of subclusters, and a cluster may have
// several.
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

// transform is euclidean_distances, which computes |x|² - 2 x·c + |c|².
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

// mahalanobis is EmpiricalCovariance or a similar class as a detector. Its score is the
// result of the method mahalanobis, the squared distance from the centre. High scores
// are anomalies.
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
