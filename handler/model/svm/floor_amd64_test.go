//go:build unix

package svm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// BenchmarkExpFloor compares a decision with the exps in it. A decision of the RBF kernel
// computes one exp per row and support vector, so it cannot be faster than its exps.
//
//   - cpu-ns/exp is the CPU time of one exact exp, of 1,024 arguments from -50 to 0 that are
//     in the first-level cache.
//   - %floor is the share of such exps in the CPU time of a decision with one feature, 500
//     support vectors and 10,000 rows.
//
// Each round measures both. The minimum and the median of the rounds are reported.
func BenchmarkExpFloor(b *testing.B) {
	const vectors, rows, side = 500, 10_000, 20 * time.Millisecond
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return v
	}
	m, err := NewOneClass(Kernel{Type: RBF, Gamma: 1}, draw(vectors), 1, draw(vectors), -1)
	if err != nil {
		b.Fatal(err)
	}
	x, dst := draw(rows), make([]float64, rows)
	for level := AVX2; level <= best; level++ {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			m.Use(level)
			var source, space [1024 + lanes]float64
			v := aligned(space[:])[:1024]
			for i := range source {
				source[i] = 50 * float64(i) / float64(len(source))
			}
			exp := expAVX2
			if level == AVX512 {
				exp = expAVX512
			}
			var floors, shares []float64
			for b.Loop() {
				floor := measure.PerCall(side, func() {
					copy(v, source[:])
					exp(&v[0], len(v), -1, &constants, libm.ExpTable())
				}) / float64(len(v))
				decision := measure.PerCall(side, func() { m.Decision(dst, x) }) / (vectors * rows)
				floors = append(floors, floor)
				shares = append(shares, 100*floor/decision)
			}
			measure.ReportRounds(b, "cpu-ns/exp", floors)
			measure.ReportRounds(b, "%floor", shares)
			b.ReportMetric(0, "ns/op") // of both together
		})
	}
}
