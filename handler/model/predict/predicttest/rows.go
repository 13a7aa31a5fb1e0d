// Package predicttest has checks that every model must pass.
package predicttest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Rows checks that each row of x gives the same bits among the others, in another order
// and alone. It returns the result of x.
func Rows(t testing.TB, m predict.Model, x []float64) predict.Result {
	t.Helper()
	d := m.Features()
	n := len(x) / d
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	var mixed []float64
	for _, i := range order {
		mixed = append(mixed, x[i*d:(i+1)*d]...)
	}
	var given, all, one predict.Result
	for _, run := range []struct {
		r *predict.Result
		x []float64
	}{{&given, x}, {&all, mixed}} {
		if err := m.Predict(run.r, run.x); err != nil {
			t.Fatal(err)
		}
	}
	for at, i := range order {
		if err := m.Predict(&one, x[i*d:(i+1)*d]); err != nil {
			t.Fatal(err)
		}
		equal(t, i, given.Predictions[i:i+1], all.Predictions[at:at+1], one.Predictions)
		w := len(one.Scores)
		equal(t, i, given.Scores[i*w:(i+1)*w], all.Scores[at*w:(at+1)*w], one.Scores)
		w = len(one.Probabilities)
		equal(t, i, given.Probabilities[i*w:(i+1)*w], all.Probabilities[at*w:(at+1)*w], one.Probabilities)
	}
	return given
}

func equal(t testing.TB, row int, given, mixed, alone []float64) {
	t.Helper()
	for k, v := range alone {
		if bits := math.Float64bits(v); math.Float64bits(given[k]) != bits || math.Float64bits(mixed[k]) != bits {
			t.Fatalf("row %d gives %v, in another order %v, alone %v", row, given, mixed, alone)
		}
	}
}

// Hostile returns n rows of numbers that are likely to be handled wrongly, such as NaN,
// infinities, -0 and subnormal numbers.
func Hostile(n, columns int) []float64 {
	r := rand.New(rand.NewPCG(3, 4))
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, -1, 1e-35, -1e-35, 1e-40, 5e-324, 1e300, -1e300,
		math.MaxFloat32, 16777216, 16777217, 1 << 31, -0.5, 31, 32, 63.9}
	x := make([]float64, n*columns)
	for i := range x {
		if x[i] = r.NormFloat64() * 3; r.IntN(3) == 0 {
			x[i] = odd[r.IntN(len(odd))]
		}
	}
	return x
}
