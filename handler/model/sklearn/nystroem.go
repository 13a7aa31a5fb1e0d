package sklearn

import (
	"fmt"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// nystroem is sklearn.kernel_approximation.Nystroem: a kernel against some of
// the rows it was fitted on, times a matrix.
type nystroem struct {
	components []float64 // row-major
	width      int
	squares    []float64 // |component|²
	matrix     []float64 // normalization_, row-major
	kernel     func(t *nystroem, dst, row []float64)
	unit       bool // rows are made one long first, as components are
	gamma      float64
	coef0      float64
	degree     float64
}

func loadNystroem(a *attrs) *element {
	t := &nystroem{coef0: 1, degree: 3}
	rows, embedded := &dim{what: "components"}, &dim{what: "columns"}
	t.components = a.matrix("components_", rows, &a.in)
	t.matrix = a.matrix("normalization_", embedded, rows)
	if a.err != nil {
		return nil
	}
	t.width = a.in.n
	count := rows.n
	t.gamma = 1 / float64(t.width)
	for name, to := range map[string]*float64{"gamma": &t.gamma, "coef0": &t.coef0, "degree": &t.degree} {
		if a.has(name) {
			*to = a.finite(name)
		}
	}
	name, _ := a.value("kernel").(string)
	if t.kernel = pairwise[name]; t.kernel == nil {
		a.refuse(fmt.Sprintf("the kernel %.40q", name), "use rbf, linear, poly, sigmoid, laplacian or cosine")
		return nil
	}
	if t.unit = name == "cosine"; t.unit {
		_ = toUnit.transform(t.components, slices.Clone(t.components), count, nil)
	}
	t.squares = make([]float64, count)
	for i := range count {
		t.squares[i] = rowNorm(t.components[i*t.width : (i+1)*t.width])
	}
	a.note("gamma", t.gamma)
	a.note("components", embedded.n)
	return &element{transformer: t, out: embedded.n, size: 8 * (len(t.components) + len(t.matrix))}
}

// pairwise are the kernels of sklearn.metrics.pairwise: dst is what a row
// gives with each component.
var pairwise = map[string]func(t *nystroem, dst, row []float64){
	"rbf":        (*nystroem).rbf,
	"linear":     (*nystroem).linear,
	"poly":       (*nystroem).polynomial,
	"polynomial": (*nystroem).polynomial,
	"sigmoid":    (*nystroem).sigmoid,
	"laplacian":  (*nystroem).laplacian,
	"cosine":     (*nystroem).linear, // of rows one long
}

// toUnit makes rows one long; those of zeros stay so. Scikit-learn's
// cosine_similarity does the same to both sides before it multiplies them.
var toUnit = &normalizer{norm: norm2, tiny: 10 * epsilon}

func (t *nystroem) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	if t.unit {
		rows := a.take(len(src))
		_ = toUnit.transform(rows, src, n, a)
		src = rows
	}
	count := len(t.squares)
	embedded := a.take(n * count)
	for i := range n {
		t.kernel(t, embedded[i*count:(i+1)*count], src[i*t.width:(i+1)*t.width])
	}
	product(dst, embedded, t.matrix, count)
	return nil
}

// rbf is of squared distances by |x|² - 2 x·y + |y|², as scikit-learn has
// them, with what that loses.
func (t *nystroem) rbf(dst, row []float64) {
	t.linear(dst, row)
	xx := rowNorm(row)
	for i, xy := range dst {
		dst[i] = libm.Exp(-t.gamma * max(0, -2*xy+xx+t.squares[i]))
	}
}

func (t *nystroem) linear(dst, row []float64) { product(dst, row, t.components, t.width) }

func (t *nystroem) polynomial(dst, row []float64) {
	t.linear(dst, row)
	for i, xy := range dst {
		dst[i] = math.Pow(float64(xy*t.gamma)+t.coef0, t.degree)
	}
}

func (t *nystroem) sigmoid(dst, row []float64) {
	t.linear(dst, row)
	for i, xy := range dst {
		dst[i] = libm.Tanh(float64(xy*t.gamma) + t.coef0)
	}
}

func (t *nystroem) laplacian(dst, row []float64) {
	for i := range dst {
		dst[i] = libm.Exp(-t.gamma * manhattan(row, t.components[i*t.width:(i+1)*t.width], 1))
	}
}
