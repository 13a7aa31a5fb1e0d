//go:build unix

package svm_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// BenchmarkFastest reports the CPU time of a decision of 32 rows, for several numbers of
// features. The names of its parts say which instructions a new model uses.
func BenchmarkFastest(b *testing.B) {
	for _, d := range []int{1, 2, 4, 8, 16, 32, 64} {
		many, one := svm.Fastest(svm.RBF, d)
		b.Run(fmt.Sprintf("d=%d/many=%v/one=%v", d, many, one), func(b *testing.B) { decide(b, many, d, 500, 32) })
	}
}

// BenchmarkDecision reports the CPU time per row and support vector.
func BenchmarkDecision(b *testing.B) {
	for level := svm.Portable; level <= svm.Best(); level++ {
		for _, d := range []int{1, 8, 32} {
			for _, count := range []int{5, 500} {
				for _, n := range []int{1, 10_000} {
					b.Run(fmt.Sprintf("%v/d=%d/vectors=%d/rows=%d", level, d, count, n), func(b *testing.B) {
						decide(b, level, d, count, n)
					})
				}
			}
		}
	}
}

// decide benchmarks the decision of n rows with these instructions.
func decide(b *testing.B, level svm.Instructions, d, count, n int) {
	s := draw(rand.New(rand.NewPCG(1, 2)), n, count, d, 1)
	m := s.model(b, svm.Kernel{Type: svm.RBF, Gamma: 1 / float64(d)})
	m.Use(level)
	dst := make([]float64, n)
	b.ReportAllocs()
	start := measure.CPU()
	for b.Loop() {
		m.Decision(dst, s.rows)
	}
	b.ReportMetric(float64(measure.CPU()-start)/float64(b.N*n*count), "cpu-ns/row×SV")
}
