package svm_test

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// sample has random support vectors, coefficients and rows.
type sample struct {
	vectors, dual, rows []float64
	d                   int // features
	intercept           float64
}

// draw returns a sample. scale is the standard deviation of the vectors and rows.
func draw(r *rand.Rand, rows, count, d int, scale float64) sample {
	fill := func(n int, f func() float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = f()
		}
		return v
	}
	normal := func() float64 { return scale * r.NormFloat64() }
	return sample{fill(count*d, normal), fill(count, r.Float64), fill(rows*d, normal), d, -r.Float64()}
}

// model returns the model of the sample.
func (s sample) model(t testing.TB, k svm.Kernel) *svm.OneClass {
	t.Helper()
	m, err := svm.NewOneClass(k, s.vectors, s.d, s.dual, s.intercept)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reference returns the decision of row i, computed like libsvm: one support vector after
// another, and one feature after another.
func (s sample) reference(k svm.Kernel, i int) float64 {
	sum := 0.0
	for j, alpha := range s.dual {
		distance, product := 0.0, 0.0
		for f := range s.d {
			x, v := s.rows[i*s.d+f], s.vectors[j*s.d+f]
			distance += float64((x - v) * (x - v))
			product += float64(x * v)
		}
		linear := float64(k.Gamma*product) + k.Coef0
		switch k.Type {
		case svm.RBF:
			sum += float64(alpha * libm.Exp(-k.Gamma*distance))
		case svm.Linear:
			sum += float64(alpha * product)
		case svm.Poly:
			sum += float64(alpha * power(linear, k.Degree))
		case svm.Sigmoid:
			sum += float64(alpha * libm.Tanh(linear))
		}
	}
	return sum + s.intercept
}

// power returns x to the power of n, computed like libsvm.
func power(x float64, n int) float64 {
	switch {
	case n == 0:
		return 1
	case n%2 == 0:
		return power(float64(x*x), n/2)
	}
	return x * power(float64(x*x), n/2)
}

// TestDecision compares all kernels with reference.
func TestDecision(t *testing.T) {
	t.Parallel()
	kernels := []svm.Kernel{
		{Type: svm.RBF, Gamma: 0.25},
		{Type: svm.RBF},
		{Type: svm.Linear},
		{Type: svm.Poly, Gamma: 0.5, Coef0: 1, Degree: 3},
		{Type: svm.Poly, Gamma: 0.5, Coef0: -1},
		{Type: svm.Sigmoid, Gamma: 0.1, Coef0: -0.2},
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range kernels {
		for _, d := range []int{1, 2, 3, 8, 32, 128} {
			for _, count := range []int{0, 1, 2, 7, 8, 9, 50} {
				s := draw(r, 5, count, d, 1)
				m := s.model(t, k)
				got := make([]float64, 5)
				m.Decision(got, s.rows)
				for i := range got {
					want := s.reference(k, i)
					if math.Float64bits(got[i]) != math.Float64bits(want) {
						t.Fatalf("%+v, %d vectors of %d features, row %d: got %x, want %x", k, count, d, i, got[i], want)
					}
				}
			}
		}
	}
}

// TestDecisionBits checks that all architectures give the same bits. The hash is that of
// amd64 and arm64. It differs where a compiler fuses a multiplication and an addition.
func TestDecisionBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	uniform := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = 2*r.Float64() - 1
		}
		return v
	}
	const d, n = 5, 200
	s := sample{vectors: uniform(30 * d), dual: uniform(30), rows: uniform(n * d), d: d, intercept: 0.5}
	hash := fnv.New64a()
	for _, k := range []svm.Kernel{
		{Type: svm.RBF, Gamma: 0.7}, {Type: svm.Linear}, {Type: svm.Poly, Gamma: 0.3, Coef0: 0.1, Degree: 5}, {Type: svm.Sigmoid, Gamma: 0.6, Coef0: -0.2},
	} {
		got := make([]float64, n)
		s.model(t, k).Decision(got, s.rows)
		if err := binary.Write(hash, binary.LittleEndian, got); err != nil {
			t.Fatal(err)
		}
	}
	if got := hash.Sum64(); got != 0xdb9f819590243b24 {
		t.Errorf("the hash of the decisions is %#x, want 0xdb9f819590243b24", got)
	}
}

// TestDecisionIsZeroAtTheOnlyVector checks that a model with one support vector, whose rho
// is its alpha, decides exactly 0 at that vector. libsvm calls this an anomaly.
func TestDecisionIsZeroAtTheOnlyVector(t *testing.T) {
	t.Parallel()
	m, err := svm.NewOneClass(svm.Kernel{Type: svm.RBF, Gamma: 1}, []float64{0.3}, 1, []float64{0.0286}, -0.0286)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float64, 1)
	m.Decision(got, []float64{0.3})
	if got[0] != 0 {
		t.Errorf("the decision is %g, want 0", got[0])
	}
}

// TestDecisionOfNothing checks that no rows are accepted.
func TestDecisionOfNothing(t *testing.T) {
	t.Parallel()
	s := draw(rand.New(rand.NewPCG(1, 2)), 0, 3, 2, 1)
	s.model(t, svm.Kernel{Type: svm.RBF, Gamma: 1}).Decision(nil, nil)
}

// TestDecisionPanicsOnShape checks that numbers which are not whole rows cause a panic.
func TestDecisionPanicsOnShape(t *testing.T) {
	t.Parallel()
	m := draw(rand.New(rand.NewPCG(1, 2)), 0, 3, 2, 1).model(t, svm.Kernel{Type: svm.Linear})
	defer func() {
		if recover() == nil {
			t.Error("three numbers for two rows of two features did not cause a panic")
		}
	}()
	m.Decision(make([]float64, 2), make([]float64, 3))
}

// TestNewOneClassErrors checks which parameters are refused.
func TestNewOneClassErrors(t *testing.T) {
	t.Parallel()
	rbf := svm.Kernel{Type: svm.RBF, Gamma: 1}
	inf, nan := math.Inf(1), math.NaN()
	tests := []struct {
		kernel    svm.Kernel
		vectors   []float64
		d         int
		dual      []float64
		intercept float64
		want      string
	}{
		{svm.Kernel{Type: "precomputed"}, []float64{1}, 1, []float64{1}, 0, `"precomputed"`},
		{svm.Kernel{Type: svm.RBF, Gamma: nan}, []float64{1}, 1, []float64{1}, 0, "gamma"},
		{svm.Kernel{Type: svm.RBF, Gamma: -1}, []float64{1}, 1, []float64{1}, 0, "gamma"},
		{svm.Kernel{Type: svm.Poly, Degree: -1}, []float64{1}, 1, []float64{1}, 0, "degree"},
		{svm.Kernel{Type: svm.Sigmoid, Coef0: inf}, []float64{1}, 1, []float64{1}, 0, "coef0"},
		{rbf, nil, 0, nil, 0, "0 features"},
		{rbf, []float64{1, 2, 3}, 2, []float64{1}, 0, "do not fit"},
		{rbf, []float64{1, 2}, 1, []float64{1}, 0, "do not fit"},
		{rbf, []float64{inf}, 1, []float64{1}, 0, "support vector"},
		{rbf, []float64{1}, 1, []float64{nan}, 0, "dual"},
		{rbf, []float64{1}, 1, []float64{1}, inf, "intercept"},
	}
	for _, tt := range tests {
		_, err := svm.NewOneClass(tt.kernel, tt.vectors, tt.d, tt.dual, tt.intercept)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewOneClass(%+v, %v, %d, %v, %v): got %v, want %q", tt.kernel, tt.vectors, tt.d, tt.dual, tt.intercept, err, tt.want)
		}
	}
}

// TestSize checks that a small model takes little memory, since a fleet has 10,000 of them.
func TestSize(t *testing.T) {
	t.Parallel()
	m := draw(rand.New(rand.NewPCG(1, 2)), 0, 2, 1, 1).model(t, svm.Kernel{Type: svm.RBF, Gamma: 1})
	if m.Size() > 512 {
		t.Errorf("a model of two support vectors takes %d bytes, want at most 512", m.Size())
	}
}
