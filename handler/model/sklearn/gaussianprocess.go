package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// gaussianProcess is GaussianProcessRegressor: a weighted sum of the covariances with
// the fitted rows.
type gaussianProcess struct {
	kernel    covarianceKernel
	rows      []float64
	width     int
	alpha     []float64
	mean, std float64 // of the target
}

// covarianceKernel is a kernel of sklearn.gaussian_process.kernels.
type covarianceKernel struct {
	between func(x, y []float64) float64 // of two different rows
	itself  func(x []float64) float64    // of a row and itself
}

// ofDistance returns a kernel that is 1 between a row and itself.
func ofDistance(between func(x, y []float64) float64) covarianceKernel {
	return covarianceKernel{between, func([]float64) float64 { return 1 }}
}

// maxKernels is the largest number of kernels that a kernel may consist of.
const maxKernels = 50

func loadGaussianProcess(a *attrs) *element {
	count := &dim{what: "rows"}
	m := &gaussianProcess{rows: a.matrix("X_train_", count, &a.in), std: 1}
	if shape := a.shape("alpha_"); len(shape) == 2 && shape[1] > 1 {
		a.refuse("several outputs", oneOutput)
	}
	m.alpha = a.vector("alpha_", count)
	if a.has("_y_train_mean") {
		m.mean = a.finite("_y_train_mean")
	} else {
		m.mean = a.finite("y_train_mean")
	}
	if a.has("_y_train_std") {
		m.std = a.finite("_y_train_std")
	}
	if m.width = a.in.n; a.err != nil {
		return nil
	}
	left := maxKernels
	m.kernel = a.covarianceKernel(a.value("kernel_"), &left)
	a.note("rows", count.n)
	return &element{role: regresses, predictor: m, size: 8 * (len(m.rows) + len(m.alpha))}
}

func (m *gaussianProcess) predict(out outcome, x []float64, n int, a *arena) error {
	if out.pred == nil {
		return nil
	}
	defer a.release(a.used)
	values := a.take(len(m.alpha))
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		m.kernel.toEach(values, row, m.rows)
		out.pred[i] = float64(m.std*dot(values, m.alpha)) + m.mean
	}
	return nil
}

// toEach sets values to the covariances of row with each of rows.
func (k *covarianceKernel) toEach(values, row, rows []float64) {
	for i := range values {
		values[i] = k.between(row, rows[i*len(row):(i+1)*len(row)])
	}
}

// covarianceKernel reads a kernel. Each kernel inside it takes one from left.
func (a *attrs) covarianceKernel(v any, left *int) covarianceKernel {
	o, ok := v.(*pickle.Object)
	if *left--; *left < 0 || !ok {
		a.fail("kernel_ is no kernel, or of over %d", maxKernels)
		return covarianceKernel{}
	}
	k := &attrs{loader: a.loader, object: o, class: o.Class.Name, step: a.step, version: a.version, in: a.in}
	f := k.kernelNamed(left)
	if a.err == nil {
		a.err = k.err
	}
	return f
}

func (a *attrs) kernelNamed(left *int) covarianceKernel {
	if a.object.Class.Module != "sklearn.gaussian_process.kernels" {
		a.refuse("such a kernel", useKernels)
		return covarianceKernel{}
	}
	switch a.class {
	case "Sum", "Product":
		first, second := a.covarianceKernel(a.value("k1"), left), a.covarianceKernel(a.value("k2"), left)
		if a.class == "Sum" {
			return covarianceKernel{
				func(x, y []float64) float64 { return first.between(x, y) + second.between(x, y) },
				func(x []float64) float64 { return first.itself(x) + second.itself(x) },
			}
		}
		return covarianceKernel{
			func(x, y []float64) float64 { return first.between(x, y) * second.between(x, y) },
			func(x []float64) float64 { return first.itself(x) * second.itself(x) },
		}
	case "Exponentiation":
		inner, exponent := a.covarianceKernel(a.value("kernel"), left), a.finite("exponent")
		return covarianceKernel{
			func(x, y []float64) float64 { return math.Pow(inner.between(x, y), exponent) },
			func(x []float64) float64 { return math.Pow(inner.itself(x), exponent) },
		}
	case "ConstantKernel":
		c := a.finite("constant_value")
		return covarianceKernel{func(_, _ []float64) float64 { return c }, func([]float64) float64 { return c }}
	case "WhiteKernel":
		noise := a.finite("noise_level")
		return covarianceKernel{func(_, _ []float64) float64 { return 0 }, func([]float64) float64 { return noise }}
	case "DotProduct":
		sigma := a.finite("sigma_0")
		product := func(x, y []float64) float64 { return dot(x, y) + float64(sigma*sigma) }
		return covarianceKernel{product, func(x []float64) float64 { return product(x, x) }}
	case "RBF":
		scale := a.lengthScale()
		return ofDistance(func(x, y []float64) float64 { return libm.Exp(-0.5 * scaledSquare(x, y, scale)) })
	case "Matern":
		return ofDistance(a.matern())
	case "RationalQuadratic":
		alpha, length := a.finite("alpha"), a.finite("length_scale")
		return ofDistance(func(x, y []float64) float64 {
			return math.Pow(1+squared(x, y, 0)/(2*alpha*float64(length*length)), -alpha)
		})
	case "ExpSineSquared":
		length, period := a.finite("length_scale"), a.finite("periodicity")
		return ofDistance(func(x, y []float64) float64 {
			s := math.Sin(math.Pi/period*math.Sqrt(squared(x, y, 0))) / length
			return libm.Exp(-2 * float64(s*s))
		})
	}
	a.refuse("such a kernel", useKernels)
	return covarianceKernel{}
}

const useKernels = "use RBF, Matern of nu 0.5, 1.5, 2.5 or inf, RationalQuadratic, ExpSineSquared, DotProduct, ConstantKernel, WhiteKernel, their sums and products"

// lengthScale reads length_scale: one number for all columns, or one for each.
func (a *attrs) lengthScale() []float64 {
	var scale []float64
	if _, one := a.number(a.value("length_scale")); one {
		scale = a.vectorOrNumber("length_scale", &a.in)
	} else {
		scale = a.floatsOf("length_scale", &a.in)
	}
	for i, s := range scale {
		if s <= 0 {
			a.fail("length_scale is %v at %d", s, i)
		}
	}
	return scale
}

// scaledSquare returns the squared distance between x and y, after each column is
// divided by its scale.
func scaledSquare(x, y, scale []float64) float64 {
	sum := 0.0
	for i, v := range x {
		d := v/scale[i] - y[i]/scale[i]
		sum += float64(d * d)
	}
	return sum
}

func (a *attrs) matern() func(x, y []float64) float64 {
	scale, nu := a.lengthScale(), a.float("nu")
	distance := func(x, y []float64) float64 { return math.Sqrt(scaledSquare(x, y, scale)) }
	switch nu {
	case 0.5:
		return func(x, y []float64) float64 { return libm.Exp(-distance(x, y)) }
	case 1.5:
		return func(x, y []float64) float64 {
			k := distance(x, y) * math.Sqrt(3)
			return (1 + k) * libm.Exp(-k)
		}
	case 2.5:
		return func(x, y []float64) float64 {
			k := distance(x, y) * math.Sqrt(5)
			return (1 + k + float64(k*k)/3) * libm.Exp(-k)
		}
	case math.Inf(1):
		return func(x, y []float64) float64 { return libm.Exp(-0.5 * scaledSquare(x, y, scale)) }
	}
	a.refuse(fmt.Sprintf("nu=%v", nu), useKernels)
	return nil
}
