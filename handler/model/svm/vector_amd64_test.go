package svm_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// TestVectorForms checks that the vector forms give the same bits as the portable form: for
// all numbers of rows, vectors and features up to some, and for distances from 0 to
// infinity, so that exp gives numbers from 1 down to subnormal ones and 0.
func TestVectorForms(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, level := range []svm.Instructions{svm.AVX2, svm.Mixed, svm.AVX512} {
		if svm.Best() < level {
			t.Logf("this processor has no %v: not tested", level)
			continue
		}
		for d := 1; d <= 40; d++ {
			for n := 1; n <= 37; n++ {
				for _, scale := range []float64{1e-170, 1e-3, 1, 26, 1e3, 1e155} {
					s := draw(r, n, 1+r.IntN(20), d, scale)
					copy(s.rows, s.vectors[:d]) // the first row equals a vector
					for _, k := range []svm.Kernel{
						{Type: svm.RBF, Gamma: r.Float64()},
						{Type: svm.Linear},
						{Type: svm.Poly, Gamma: r.Float64(), Coef0: r.Float64(), Degree: 3},
						{Type: svm.Sigmoid, Gamma: r.Float64(), Coef0: -r.Float64()},
					} {
						compare(t, s, k, level)
					}
				}
			}
		}
	}
}

// compare compares the decisions with these instructions with the portable ones.
func compare(t *testing.T, s sample, k svm.Kernel, level svm.Instructions) {
	t.Helper()
	m := s.model(t, k)
	n := len(s.rows) / s.d
	want, got := make([]float64, n), make([]float64, n)
	m.Use(svm.Portable)
	m.Decision(want, s.rows)
	m.Use(level)
	m.Decision(got, s.rows)
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Fatalf("%v, %v, %d vectors of %d features, row %d of %d: got %x, portable %x", level, k.Type, len(s.dual), s.d, i, n, got[i], want[i])
		}
	}
}

// TestVectorFormsOfExp compares single results of exp, which are the decisions of a model
// with one vector and rho 0.
func TestVectorFormsOfExp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for _, level := range []svm.Instructions{svm.AVX2, svm.Mixed, svm.AVX512} {
		if svm.Best() < level {
			t.Logf("this processor has no %v: not tested", level)
			continue
		}
		for _, n := range []int{3, 20_000} {
			for _, most := range []float64{1e-15, 1, 50, 512, 760, 2000} {
				s := sample{vectors: []float64{0}, dual: []float64{1}, rows: make([]float64, n), d: 1}
				for i := range s.rows {
					s.rows[i] = math.Sqrt(most * (1 - r.Float64()*r.Float64()))
				}
				compare(t, s, svm.Kernel{Type: svm.RBF, Gamma: 1}, level)
			}
		}
	}
}

// TestFastest checks that a new model uses vector instructions of this processor, the same
// ones each time, and gives the same bits as the portable form.
func TestFastest(t *testing.T) {
	t.Parallel()
	if svm.Best() == svm.Portable {
		t.Log("this processor has no vector instructions: not tested")
		return
	}
	r := rand.New(rand.NewPCG(7, 8))
	for _, d := range []int{1, 2, 3, 63, 64, 65, 1000} {
		for _, k := range []svm.Kernel{{Type: svm.RBF, Gamma: 0.1}, {Type: svm.Linear}} {
			many, one := svm.Fastest(k.Type, d)
			for _, i := range []svm.Instructions{many, one} {
				if i < svm.AVX2 || i > svm.Best() {
					t.Errorf("%v, %d features: got %v, want vector instructions of this processor", k.Type, d, i)
				}
			}
			if again, alone := svm.Fastest(k.Type, d); again != many || alone != one {
				t.Errorf("%v, %d features: got %v and %v, then %v and %v", k.Type, d, many, one, again, alone)
			}
			s := draw(r, 19, 40, d, 1)
			m := s.model(t, k)
			own, want := make([]float64, 19), make([]float64, 19)
			m.Decision(own, s.rows)
			m.Use(svm.Portable)
			m.Decision(want, s.rows)
			for i := range own {
				if math.Float64bits(own[i]) != math.Float64bits(want[i]) {
					t.Fatalf("%v, %d features, row %d: got %x, portable %x", k.Type, d, i, own[i], want[i])
				}
			}
		}
	}
}
