package svm

import (
	"errors"
	"fmt"
	"unsafe"
)

// lanes is the number of support vectors in a block.
const lanes = 8

// OneClass is the decision function of a fitted OneClassSVM,
//
//	f(x) = Σ alpha_j K(x, s_j) - rho
//
// It is safe for concurrent use.
type OneClass struct {
	kernel Kernel
	dims   int // features
	count  int // support vectors
	rho    float64
	// vectors holds the support vectors in blocks of eight, and a block feature by
	// feature: feature i of vector j is at (j/8*dims+i)*8 + j%8. The last block is padded
	// with zeros.
	vectors []float64
	alpha   []float64 // dual coefficients, padded with zeros like vectors

	many, one Instructions // for many rows, and for one row
}

// NewOneClass returns the decision function with kernel k. Vectors are the support vectors,
// rows of d features, and dual has a coefficient for each. Intercept is scikit-learn's
// _intercept_, which is -rho. The slices are copied. An error says what has a wrong length
// or is not finite.
func NewOneClass(k Kernel, vectors []float64, d int, dual []float64, intercept float64) (*OneClass, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	switch {
	case d < 1:
		return nil, fmt.Errorf("%d features: at least one is needed", d)
	case len(vectors)%d != 0 || len(vectors)/d != len(dual):
		return nil, fmt.Errorf("%d numbers in support vectors of %d features do not fit %d dual coefficients", len(vectors), d, len(dual))
	case !allFinite(vectors):
		return nil, errors.New("a support vector is not finite")
	case !allFinite(dual):
		return nil, errors.New("a dual coefficient is not finite")
	case !finite(intercept):
		return nil, fmt.Errorf("intercept %v is not finite", intercept)
	}
	m := &OneClass{kernel: k, dims: d, count: len(dual), rho: -intercept}
	m.many, m.one = Fastest(k.Type, d)
	m.pack(vectors, dual)
	return m, nil
}

// pack copies the vectors into blocks.
func (m *OneClass) pack(vectors, dual []float64) {
	blocks := (m.count + lanes - 1) / lanes
	m.vectors = make([]float64, blocks*lanes*m.dims)
	m.alpha = make([]float64, blocks*lanes)
	copy(m.alpha, dual)
	for j := range m.count {
		for i := range m.dims {
			m.vectors[(j/lanes*m.dims+i)*lanes+j%lanes] = vectors[j*m.dims+i]
		}
	}
}

// Dims returns the number of features.
func (m *OneClass) Dims() int { return m.dims }

// SupportVectors returns the number of support vectors.
func (m *OneClass) SupportVectors() int { return m.count }

// Size returns the number of bytes of memory that m takes.
func (m *OneClass) Size() int {
	return int(unsafe.Sizeof(*m)) + 8*(cap(m.vectors)+cap(m.alpha))
}

// Decision sets dst[i] to the decision value of row i of x, scikit-learn's
// decision_function. A value above 0 is normal, and 0 or less is an anomaly. X is
// row-major: len(dst) rows of [OneClass.Dims] finite numbers. It panics if len(x) is not
// len(dst) times Dims.
func (m *OneClass) Decision(dst, x []float64) {
	if len(x) != len(dst)*m.dims {
		panic(fmt.Sprintf("svm: %d numbers are not %d rows of %d features", len(x), len(dst), m.dims))
	}
	if m.many > Portable {
		m.decisionVector(dst, x)
		return
	}
	m.decisionPortable(dst, x)
}

func allFinite(v []float64) bool {
	for _, x := range v {
		if !finite(x) {
			return false
		}
	}
	return true
}
