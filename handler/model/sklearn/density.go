package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// density is sklearn.neighbors.KernelDensity as a detector. Its score is score_samples,
// the logarithm of the density. Low scores are anomalies.
type density struct {
	rows      []float64
	weights   []float64 // per row: the logarithm of its weight; nil if all weights are equal
	width     int
	distance  metric
	bandwidth float64
	kernel    func(distance, bandwidth float64) float64
	constant  float64 // added to the logarithm of the sum: see logKernelNorm
}

// densityKernels are the logarithms of kernels, without the constant of logKernelNorm
// (sklearn/neighbors/_binary_tree.pxi.tp).
var densityKernels = map[string]func(distance, bandwidth float64) float64{
	"gaussian":     func(d, h float64) float64 { return -0.5 * (d * d) / (h * h) },
	"exponential":  func(d, h float64) float64 { return -d / h },
	"tophat":       within(func(float64) float64 { return 0 }),
	"epanechnikov": within(func(r float64) float64 { return math.Log(1 - r*r) }),
	"linear":       within(func(r float64) float64 { return math.Log(1 - r) }),
	"cosine":       within(func(r float64) float64 { return math.Log(math.Cos(0.5 * math.Pi * r)) }),
}

// within returns a kernel that is 0 from the bandwidth on. f takes the distance as a
// fraction of the bandwidth.
func within(f func(ratio float64) float64) func(d, h float64) float64 {
	return func(d, h float64) float64 {
		if d < h {
			return f(d / h)
		}
		return math.Inf(-1)
	}
}

func loadKernelDensity(a *attrs) *element {
	m := &density{}
	name := a.text("kernel")
	if m.kernel = densityKernels[name]; a.err == nil && m.kernel == nil {
		a.fail("kernel %.40q is none of scikit-learn's", name)
	}
	if a.has("bandwidth_") {
		m.bandwidth = a.finite("bandwidth_")
	} else {
		m.bandwidth = a.finite("bandwidth")
	}
	if a.err == nil && m.bandwidth <= 0 {
		a.fail("bandwidth is %v: it has to be above 0", m.bandwidth)
	}
	for _, limit := range []string{"atol", "rtol"} {
		if f := a.finite(limit); f != 0 {
			a.refuse(limit+" other than 0", "fit it with 0, the default: scores are then exact")
		}
	}
	m.distance = a.metricOf(a.value("metric"), a.optional("metric_params"), true)
	o := a.inside("tree_")
	if a.err != nil {
		return nil
	}
	state, _ := o.State.(*pickle.Tuple)
	if state == nil || len(state.Items) < 12 {
		a.fail("tree_ is neither a KDTree nor a BallTree")
		return nil
	}
	count := &dim{what: "rows"}
	m.rows = a.matrixOf("tree_", state.Items[0], count, &a.in)
	if a.err != nil {
		return nil
	}
	total := float64(count.n)
	if len(state.Items) > 12 && state.Items[12] != nil {
		m.weights = a.vectorOf("the weights in tree_", state.Items[12], count)
		total = pairwiseSum(m.weights)
		for i, w := range m.weights {
			if w < 0 {
				a.fail("a weight in tree_ is %v", w)
			}
			m.weights[i] = math.Log(w)
		}
	}
	m.width = a.in.n
	m.constant = logKernelNorm(name, m.width, m.bandwidth) - math.Log(total)
	if a.err == nil && m.constant-m.constant != 0 {
		a.fail("the kernel has no norm in %d dimensions", m.width)
	}
	a.note("rows", count.n)
	return &element{
		role:      role{kind: predict.Detector, scores: 1, unlimited: true, anomalies: predict.Low},
		predictor: m, size: 8 * (len(m.rows) + len(m.weights)),
	}
}

// logKernelNorm returns minus the logarithm of a kernel's integral over d dimensions.
func logKernelNorm(kernel string, d int, bandwidth float64) float64 {
	n := float64(d)
	volume := func(n float64) float64 { // of the unit ball
		gamma, _ := math.Lgamma(0.5*n + 1)
		return 0.5*n*math.Log(math.Pi) - gamma
	}
	surface := math.Log(2*math.Pi) + volume(n-2)
	var factor float64
	switch kernel {
	case "gaussian":
		factor = 0.5 * n * math.Log(2*math.Pi)
	case "tophat":
		factor = volume(n)
	case "epanechnikov":
		factor = volume(n) + math.Log(2/(n+2))
	case "exponential":
		gamma, _ := math.Lgamma(n)
		factor = surface + gamma
	case "linear":
		factor = volume(n) - math.Log(n+1)
	case "cosine":
		term := 2 / math.Pi
		for k := 1.0; k <= n; k += 2 {
			factor += term
			term *= -(n - k) * (n - k - 1) * (2 / math.Pi) * (2 / math.Pi)
		}
		factor = math.Log(factor) + surface
	}
	return -factor - n*math.Log(bandwidth)
}

func (m *density) predict(out outcome, x []float64, n int, a *arena) error {
	clear(out.pred)
	if out.score == nil {
		return nil
	}
	return m.scoreSamples(out.score, x, a)
}

func (m *density) scoreSamples(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	logs := a.take(len(m.rows) / m.width)
	for i := range dst {
		row := x[i*m.width : (i+1)*m.width]
		for k := range logs {
			d := m.distance.between(row, m.rows[k*m.width:(k+1)*m.width])
			logs[k] = m.kernel(d, m.bandwidth)
			if m.weights != nil {
				logs[k] += m.weights[k]
			}
		}
		dst[i] = m.constant + logOfSum(logs)
	}
	return nil
}
