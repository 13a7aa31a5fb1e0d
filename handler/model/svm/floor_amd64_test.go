package svm

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// BenchmarkExpFloor reports the CPU time of one exact exp, of 4,096 arguments
// between -50 and 0 in the first-level cache: no decision takes less for a
// support vector.
func BenchmarkExpFloor(b *testing.B) {
	for level := AVX2; level <= best; level++ {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			var source, v [4096]float64
			for i := range source {
				source[i] = 50 * float64(i) / float64(len(source))
			}
			exp := expAVX2
			if level == AVX512 {
				exp = expAVX512
			}
			start := cpuTime(b)
			for b.Loop() {
				v = source
				exp(&v[0], len(v), -1, &constants, libm.ExpTable())
			}
			b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N*len(v)), "cpu-ns/exp")
		})
	}
}

func cpuTime(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
