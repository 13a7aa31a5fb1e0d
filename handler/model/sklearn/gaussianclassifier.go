package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// loadGaussianClassifier loads GaussianProcessClassifier. Inside is a classifier of two
// classes, or for more classes a OneVsRestClassifier or OneVsOneClassifier.
func loadGaussianClassifier(a *attrs) *element {
	e := a.delegate("base_estimator_")
	if a.err != nil {
		return nil
	}
	l := a.labels("classes_")
	if e.predictor == nil || e.kind != predict.Classifier || len(e.classes.names) != len(l.names) {
		a.fail("base_estimator_ is no classifier of %d classes", len(l.names))
		return nil
	}
	e.classes, e.scores = l, 0 // it has no decision_function
	if e.probabilities > 0 {
		e.probabilities = len(l.names)
	}
	return &element{role: e.role, predictor: &unscored{e.predictor}, in: e.in, accepts: e.accepts, size: e.size}
}

// unscored hides the scores of a classifier.
type unscored struct{ predictor }

func (m *unscored) predict(out outcome, x []float64, n int, a *arena) error {
	return m.predictor.predict(outcome{pred: out.pred, proba: out.proba}, x, n, a)
}

// laplace is _BinaryGaussianProcessClassifierLaplace, the classifier of two classes
// inside GaussianProcessClassifier. The formulas are algorithms 3.1 and 3.2 of Rasmussen
// and Williams, Gaussian Processes for Machine Learning.
type laplace struct {
	role
	kernel  covarianceKernel
	rows    []float64
	width   int
	error   []float64 // per fitted row: y_train_ - pi_
	weights []float64 // per fitted row: W_sr_, the root of the second derivative
	lower   []float64 // L_, the Cholesky factor, row-major
}

func loadLaplace(a *attrs) *element {
	l := a.labels("classes_")
	count := &dim{what: "rows"}
	m := &laplace{role: classifies(l, false, true), rows: a.matrix("X_train_", count, &a.in)}
	if m.width = a.in.n; a.err == nil && len(l.names) != 2 {
		a.fail("it is of %d classes", len(l.names))
	}
	m.error = a.vector("y_train_", count)
	for i, p := range a.vector("pi_", count) {
		m.error[i] -= p
	}
	m.weights = a.vector("W_sr_", count)
	m.lower = a.matrix("L_", count, count)
	for i := range count.n {
		if a.err == nil && m.lower[i*count.n+i] == 0 {
			a.fail("L_ is 0 at row %d", i)
		}
	}
	if a.err != nil {
		return nil
	}
	left := maxKernels
	m.kernel = a.covarianceKernel(a.value("kernel_"), &left)
	a.note("rows", count.n)
	return &element{role: m.role, predictor: m, size: 8 * (len(m.rows) + len(m.lower) + 2*count.n)}
}

// The logistic function as a sum of error functions: Williams and Barber, Bayesian
// Classification with Gaussian Processes, appendix A.
var (
	erfLengths = [5]float64{0.41, 0.4, 0.37, 0.44, 0.39}
	erfWeights = [5]float64{-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654}
)

func (m *laplace) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	values := a.take(len(m.error))
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		m.kernel.toEach(values, row, m.rows)
		f := dot(values, m.error)
		if out.pred != nil {
			if out.pred[i] = 0; f > 0 {
				out.pred[i] = 1
			}
		}
		if out.proba != nil {
			twoClasses(out.proba[2*i:2*i+2], m.probability(f, m.variance(row, values)))
		}
	}
	return nil
}

// variance returns the variance of the latent function for a row. Values are the row's
// covariances with the fitted rows, and are overwritten.
func (m *laplace) variance(row, values []float64) float64 {
	n := len(values)
	sum := 0.0
	for i := range values { // L v = √W k
		v := m.weights[i] * values[i]
		v -= dot(m.lower[i*n:i*n+i], values[:i])
		values[i] = v / m.lower[i*n+i]
		sum += float64(values[i] * values[i])
	}
	return m.kernel.itself(row) - sum
}

// probability returns the mean of the logistic function of a normal variable.
func (m *laplace) probability(mean, variance float64) float64 {
	alpha := 1 / (2 * variance)
	total, all := 0.0, 0.0
	for k, length := range erfLengths {
		gamma := length * mean
		integral := math.Sqrt(math.Pi/alpha) * math.Erf(gamma*math.Sqrt(alpha/(alpha+float64(length*length)))) / (2 * math.Sqrt(variance*2*math.Pi))
		total += float64(erfWeights[k] * integral)
		all += erfWeights[k]
	}
	return total + float64(0.5*all)
}
