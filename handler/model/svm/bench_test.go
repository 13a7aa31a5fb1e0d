//go:build unix

package svm_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// BenchmarkDecision reports the CPU time for a row and a support vector.
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

func decide(b *testing.B, level svm.Instructions, d, count, n int) {
	s := draw(rand.New(rand.NewPCG(1, 2)), n, count, d, 1)
	m := s.model(b, svm.Kernel{Type: svm.RBF, Gamma: 1 / float64(d)})
	m.Limit(level)
	dst := make([]float64, n)
	b.ReportAllocs()
	start := measure.CPU()
	for b.Loop() {
		m.Decision(dst, s.rows)
	}
	b.ReportMetric(float64(measure.CPU()-start)/float64(b.N*n*count), "cpu-ns/row×SV")
}
