package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// mixture is GaussianMixture or BayesianGaussianMixture as a detector. Its score is
// score_samples, the logarithm of the density. Low scores are anomalies. Its
// probabilities are those of the components.
type mixture struct {
	role
	width    int
	means    []float64       // a row for each component
	shape    string          // covariance_type
	cholesky [][]float64     // full and tied: per component precisions_cholesky_, transposed
	shifted  [][]float64     // full and tied: per component its mean times precisions_cholesky_
	constant []float64       // per component: added to -½ distance
	single   bool            // fitted on float32 by 1.7 or later: what does not depend on the row is float32
	diagonal linearAndSquare // diag and spherical
}

// linearAndSquare computes distances for diagonal covariances as scikit-learn does:
// base - 2 x·cross + x²·square.
type linearAndSquare struct {
	square, cross []float64 // a row for each component
	base          []float64 // a number for each component
}

func loadGaussianMixture(a *attrs) *element {
	components := &dim{what: "components"}
	m := a.mixture(components)
	weights := a.vector("weights_", components)
	if a.err != nil {
		return nil
	}
	for k, w := range weights {
		if w < 0 {
			a.fail("weights_ is %v at %d", w, k)
		}
		m.constant[k] += log(w, a.isFloat32("weights_"))
	}
	return m.element(components.n)
}

func (m *mixture) element(components int) *element {
	m.role = role{kind: predict.Detector, scores: 1, probabilities: components, unlimited: true, anomalies: predict.Low}
	return &element{role: m.role, predictor: m, size: 8 * components * m.width * (m.width + 3)}
}

func loadBayesianMixture(a *attrs) *element {
	components := &dim{what: "components"}
	m := a.mixture(components)
	freedom, precision := a.vectorOrNumber("degrees_of_freedom_", components), a.vector("mean_precision_", components)
	logs := a.concentrations(components)
	if a.err != nil {
		return nil
	}
	d := float64(m.width)
	terms := make([]float64, m.width)
	for k := range components.n {
		if freedom[k] <= d-1 || precision[k] <= 0 {
			a.fail("component %d has %v degrees of freedom and the mean precision %v", k, freedom[k], precision[k])
			return nil
		}
		for j := range terms {
			terms[j] = digamma(0.5 * (freedom[k] - float64(j)))
		}
		lambda := d*math.Log(2) + pairwiseSum(terms)
		m.constant[k] += -0.5*d*math.Log(freedom[k]) + 0.5*(lambda-d/precision[k]) + logs[k]
	}
	return m.element(components.n)
}

// concentrations returns the expected logarithms of the weights.
func (a *attrs) concentrations(components *dim) []float64 {
	var logs []float64
	if a.value("weight_concentration_prior_type") != any("dirichlet_process") {
		c := a.vector("weight_concentration_", components)
		total := digamma(pairwiseSum(c))
		for _, v := range c {
			logs = append(logs, digamma(v)-total)
		}
	} else if pair := a.items("weight_concentration_"); len(pair) != 2 {
		a.fail("weight_concentration_ is no pair")
	} else {
		first, second := a.vectorOf("weight_concentration_", pair[0], components), a.vectorOf("weight_concentration_", pair[1], components)
		if a.err != nil {
			return nil
		}
		sum := 0.0
		for i := range first {
			both := digamma(first[i] + second[i])
			logs = append(logs, digamma(first[i])-both+sum)
			sum += digamma(second[i]) - both
		}
	}
	for i, v := range logs {
		if v-v != 0 {
			a.fail("weight_concentration_ makes %v of component %d", v, i)
		}
	}
	return logs
}

// mixture reads the components without their weights.
func (a *attrs) mixture(components *dim) *mixture {
	m := &mixture{means: a.matrix("means_", components, &a.in), shape: a.text("covariance_type")}
	m.width = a.in.n
	m.single = a.isFloat32("means_") && a.isFloat32("precisions_cholesky_")
	shape, chol := a.array("precisions_cholesky_")
	a.checkFinite("precisions_cholesky_", chol)
	if a.err != nil {
		return m
	}
	d, count := m.width, components.n
	want := map[string][]int{"full": {count, d, d}, "tied": {d, d}, "diag": {count, d}, "spherical": {count}}[m.shape]
	if want == nil || !equal(shape, want) {
		a.fail("precisions_cholesky_ has the shape %v for %d components of %d features, covariance_type %.40q", shape, count, d, m.shape)
		return m
	}
	if m.constant = make([]float64, count); m.shape == "full" || m.shape == "tied" {
		m.readFull(chol)
	} else {
		m.readDiagonal(chol, a.version < 108)
	}
	for k, c := range m.constant {
		if c-c != 0 {
			a.fail("precisions_cholesky_ of component %d has no determinant above 0", k)
		}
		m.constant[k] = c - 0.5*float64(d)*math.Log(2*math.Pi)
	}
	return m
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (m *mixture) readFull(chol []float64) {
	d := m.width
	for k := range m.constant {
		one := chol
		if m.shape == "full" {
			one = chol[k*d*d : (k+1)*d*d]
		}
		logs := make([]float64, d)
		for j := range logs {
			logs[j] = log(one[j*d+j], m.single)
		}
		columns, shifted, mean := transposed(one, d), make([]float64, d), m.means[k*d:(k+1)*d]
		if m.single {
			vectorProduct32(shifted, mean, columns)
		} else {
			product(shifted, mean, columns, d)
		}
		m.cholesky, m.shifted = append(m.cholesky, columns), append(m.shifted, shifted)
		m.constant[k] = m.sum(logs)
	}
}

// sum returns numpy.sum of v.
func (m *mixture) sum(v []float64) float64 {
	if m.single {
		return sum32(v)
	}
	return pairwiseSum(v)
}

// readDiagonal reads diagonal covariances. The version decides whether spherical ones are
// multiplied with the means or with the products of means and rows.
func (m *mixture) readDiagonal(chol []float64, before18 bool) {
	d := m.width
	s := &m.diagonal
	terms, logs := make([]float64, d), make([]float64, d)
	for k := range m.constant {
		for j := range d {
			root := chol[k]
			if m.shape == "diag" {
				root = chol[k*d+j]
			}
			mean, precision := m.means[k*d+j], rounded(root*root, m.single)
			square, cross := rounded(mean*mean, m.single), rounded(mean*precision, m.single && (m.shape == "diag" || before18))
			logs[j], terms[j] = log(root, m.single), rounded(square*precision, m.single)
			if m.shape == "spherical" {
				terms[j] = square
			}
			s.square, s.cross = append(s.square, precision), append(s.cross, cross)
		}
		base := m.sum(terms)
		m.constant[k] = m.sum(logs)
		if m.shape == "spherical" {
			base = rounded(base*s.square[k*d], m.single)
			m.constant[k] = rounded(float64(d)*log(chol[k], m.single), m.single)
		}
		s.base = append(s.base, base)
	}
}

// logs sets dst to the logarithm of the weighted density of each component.
func (m *mixture) logs(dst, row []float64, a *arena) {
	defer a.release(a.used)
	d := m.width
	y := a.take(d)
	for k := range dst {
		var distance float64
		if m.cholesky != nil {
			product(y, row, m.cholesky[k], d)
			for j := range y {
				v := y[j] - m.shifted[k][j]
				y[j] = v * v
			}
			distance = pairwiseSum(y)
		} else {
			for j, x := range row {
				y[j] = x * x
			}
			s := &m.diagonal
			distance = s.base[k] - 2*dot(row, s.cross[k*d:(k+1)*d]) + dot(y, s.square[k*d:(k+1)*d])
		}
		dst[k] = m.constant[k] - 0.5*distance
	}
}

func (m *mixture) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	count := m.probabilities
	for i := range n {
		logs := out.proba[i*count : (i+1)*count]
		m.logs(logs, x[i*m.width:(i+1)*m.width], a)
		out.pred[i], out.score[i] = float64(argmax(logs)), logOfSum(logs)
		for k, v := range logs {
			logs[k] = libm.Exp(v - out.score[i])
		}
	}
	return nil
}

func (m *mixture) scoreSamples(dst, x []float64, a *arena) error {
	return m.predict(outcome{score: dst}, x, len(dst), a)
}

// digamma returns the derivative of the logarithm of the gamma function, for x above 0.
// It uses the recurrence up to 10 and the asymptotic series from there on.
func digamma(x float64) float64 {
	if !(x > 0) {
		return math.NaN()
	}
	sum := 0.0
	for ; x < 10; x++ {
		sum -= 1 / x
	}
	// B(2n)/2n, where B are Bernoulli numbers.
	series := [...]float64{1. / 12, -1. / 120, 1. / 252, -1. / 240, 1. / 132, -691. / 32760, 1. / 12}
	inverse := 1 / (x * x)
	rest := 0.0
	for i := len(series) - 1; i >= 0; i-- {
		rest = (rest + series[i]) * inverse
	}
	return sum + math.Log(x) - 1/(2*x) - rest
}
