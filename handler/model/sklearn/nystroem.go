package sklearn

import (
	"fmt"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// kernelRows computes a kernel of sklearn.metrics.pairwise between a row and the
// components, which are fitted rows of an estimator.
type kernelRows struct {
	components []float64 // row-major
	width      int
	squares    []float64 // per component: its squared norm
	kernel     func(t *kernelRows, dst, row []float64)
	unit       bool // the kernel cosine: rows and components are normalised to length 1
	gamma      float64
	coef0      float64
	degree     float64
}

// nystroem is sklearn.kernel_approximation.Nystroem: the kernel's values times a matrix.
type nystroem struct {
	*kernelRows
	matrix []float64 // normalization_, row-major
}

func loadNystroem(a *attrs) *element {
	rows, embedded := &dim{what: "components"}, &dim{what: "columns"}
	t := &nystroem{kernelRows: a.kernelRows("components_", rows)}
	t.matrix = a.matrix("normalization_", embedded, rows)
	if a.err != nil {
		return nil
	}
	a.note("components", embedded.n)
	return &element{transformer: t, out: embedded.n, size: 8 * (len(t.components) + len(t.matrix))}
}

// kernelRows reads the kernel and its parameters, and the components from the attribute
// name.
func (a *attrs) kernelRows(name string, rows *dim) *kernelRows {
	t := &kernelRows{coef0: 1, degree: 3}
	t.components = a.matrix(name, rows, &a.in)
	if a.err != nil {
		return t
	}
	t.width = a.in.n
	count := rows.n
	t.gamma = 1 / float64(t.width)
	for name, to := range map[string]*float64{"gamma": &t.gamma, "coef0": &t.coef0, "degree": &t.degree} {
		if a.has(name) {
			*to = a.finite(name)
		}
	}
	kernel, _ := a.value("kernel").(string)
	if t.kernel = pairwise[kernel]; t.kernel == nil {
		a.refuse(fmt.Sprintf("the kernel %.40q", kernel), "use rbf, linear, poly, sigmoid, laplacian or cosine")
		return t
	}
	if t.unit = kernel == "cosine"; t.unit {
		_ = toUnit.transform(t.components, slices.Clone(t.components), count, nil)
	}
	t.squares = make([]float64, count)
	for i := range count {
		t.squares[i] = rowNorm(t.components[i*t.width : (i+1)*t.width])
	}
	a.note("gamma", t.gamma)
	return t
}

// pairwise are the kernels of sklearn.metrics.pairwise. They set dst to the kernel's
// values between a row and each component.
var pairwise = map[string]func(t *kernelRows, dst, row []float64){
	"rbf":        (*kernelRows).rbf,
	"linear":     (*kernelRows).linear,
	"poly":       (*kernelRows).polynomial,
	"polynomial": (*kernelRows).polynomial,
	"sigmoid":    (*kernelRows).sigmoid,
	"laplacian":  (*kernelRows).laplacian,
	"cosine":     (*kernelRows).linear, // of rows of length 1
}

// toUnit normalises rows to length 1, and leaves rows of zeros as they are. Scikit-learn's
// cosine_similarity does the same before it multiplies.
var toUnit = &normalizer{norm: norm2, tiny: 10 * epsilon}

func (t *nystroem) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	count := len(t.squares)
	embedded := a.take(n * count)
	t.values(embedded, src, n, a)
	product(dst, embedded, t.matrix, count)
	return nil
}

// values sets the n rows of dst to the kernel's values between the rows of src and each
// component.
func (t *kernelRows) values(dst, src []float64, n int, a *arena) {
	defer a.release(a.used)
	if t.unit {
		rows := a.take(len(src))
		_ = toUnit.transform(rows, src, n, a)
		src = rows
	}
	count := len(t.squares)
	for i := range n {
		t.kernel(t, dst[i*count:(i+1)*count], src[i*t.width:(i+1)*t.width])
	}
}

// rbf computes squared distances as |x|² - 2 x·y + |y|², like scikit-learn, which loses
// the same digits.
func (t *kernelRows) rbf(dst, row []float64) {
	t.linear(dst, row)
	xx := rowNorm(row)
	for i, xy := range dst {
		dst[i] = libm.Exp(-t.gamma * max(0, -2*xy+xx+t.squares[i]))
	}
}

func (t *kernelRows) linear(dst, row []float64) { product(dst, row, t.components, t.width) }

func (t *kernelRows) polynomial(dst, row []float64) {
	t.linear(dst, row)
	for i, xy := range dst {
		dst[i] = math.Pow(float64(xy*t.gamma)+t.coef0, t.degree)
	}
}

func (t *kernelRows) sigmoid(dst, row []float64) {
	t.linear(dst, row)
	for i, xy := range dst {
		dst[i] = libm.Tanh(float64(xy*t.gamma) + t.coef0)
	}
}

func (t *kernelRows) laplacian(dst, row []float64) {
	for i := range dst {
		dst[i] = libm.Exp(-t.gamma * manhattan(row, t.components[i*t.width:(i+1)*t.width], 1))
	}
}
