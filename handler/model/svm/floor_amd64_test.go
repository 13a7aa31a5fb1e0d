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

// BenchmarkExpFloor reports the CPU time of one exact exp, of 1,024 arguments
// between -50 and 0 in the first-level cache, which no decision takes less
// than for a support vector; and what percentage of its own time a decision
// (one feature, 500 support vectors, 10,000 rows) comes to in such exps: the
// least and the median of rounds that measure both in turn.
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
