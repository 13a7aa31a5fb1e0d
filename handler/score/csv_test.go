package score

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestAppendFloat checks that numbers are written as strconv writes them. Those with few
// decimals take a shorter way.
func TestAppendFloat(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	values := []float64{0, math.Copysign(0, -1), 1e-4, 9e-5, 0.5, 12.34, -0.0001, 1e11, 99_999_999_999.9999, 100_000_000_000.0001, 1e15, 1e16, math.MaxFloat64, math.SmallestNonzeroFloat64,
		math.Inf(1), math.Inf(-1), math.NaN(), 0.1 + 0.2, 1.005, 4.35, 8.41}
	for range 200_000 {
		n := float64(random.Int64N(2e15)-1e15) / math.Pow10(random.IntN(16))
		decimal := math.Round(n*100) / 100
		values = append(values, n, decimal, math.Nextafter(decimal, math.Inf(1)), math.Nextafter(decimal, math.Inf(-1)), math.Float64frombits(random.Uint64()))
	}
	for _, v := range values {
		format := byte('f')
		if a := math.Abs(v); a != 0 && a < 1e-4 || a >= 1e16 {
			format = 'e'
		}
		if got, want := string(appendFloat(nil, v)), strconv.FormatFloat(v, format, -1, 64); got != want {
			t.Fatalf("%b is written %s, want %s", v, got, want)
		}
	}
}
