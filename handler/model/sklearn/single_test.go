package sklearn

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestFMA32 compares fma32 with exact arithmetic, also where rounding to float64 first
// would give another float32.
func TestFMA32(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() float32 {
		return float32(math.Ldexp(float64(r.Int32N(1<<24))-(1<<23), r.IntN(60)-50))
	}
	tried := [][3]float32{{1 + 0x1p-23, 1 + 0x1p-23, 0x1p-60}, {0x1p-24, 1, 1}, {0x1p-24, 1 + 0x1p-23, 1}, {0x1.000002p-12, 0x1p-12, 0x1p40}, {1 + 0x1p-12, 1 + 0x1p-12, 0x1p-60}, {1 + 0x1p-12, 1 + 0x1p-12, -0x1p-60}, {1, 1, -1}}
	for range 100_000 {
		tried = append(tried, [3]float32{draw(), draw(), draw()})
	}
	for _, v := range tried {
		exact := func(f float32) *big.Float { return new(big.Float).SetPrec(500).SetFloat64(float64(f)) }
		product := new(big.Float).SetPrec(500).Mul(exact(v[0]), exact(v[1]))
		want, _ := product.Add(product, exact(v[2])).Float32()
		if got := fma32(v[0], v[1], v[2]); got != want {
			t.Fatalf("%x·%x + %x is %x, rounded once it is %x", v[0], v[1], v[2], got, want)
		}
	}
}
