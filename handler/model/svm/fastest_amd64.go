package svm

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// maxMeasured is the number of features from which on all dimensions are measured
// as one.
const maxMeasured = 64

// fastest holds what was measured for products and for RBF, by the power of two that
// the number of features goes up to.
var fastest [2][7]struct {
	once      sync.Once
	many, one Instructions
}

// Fastest returns the instructions that are fastest on this processor, for many rows
// and for one row, which is what a new model of that kernel uses. Where there is
// AVX-512 they are measured, in some ten microseconds, when the first model of about
// so many features is made: on some processors AVX2 is faster, or its exp, whose
// gathers of table entries are cheaper. The results are the same bits.
func Fastest(k KernelType, features int) (many, one Instructions) {
	if best < AVX512 {
		return best, best
	}
	kind := 0
	if k == RBF {
		kind = 1
	}
	size := bits.Len(uint(min(features, maxMeasured) - 1))
	f := &fastest[kind][size]
	f.once.Do(func() { f.many, f.one = race(k, 1<<size) })
	return f.many, f.one
}

// race has the instruction sets decide in turn, and returns those of the least times.
func race(k KernelType, features int) (many, one Instructions) {
	const rounds, vectors, rows = 7, 2 * chunk, maxWidth
	m := &OneClass{kernel: Kernel{Type: k, Gamma: 1 / float64(features), Degree: 1}, dims: features, count: vectors}
	m.pack(spaced(vectors*features), spaced(vectors))
	x, dst := spaced(rows*features), make([]float64, rows)
	decide := func(level Instructions) {
		m.many = level
		m.decisionVector(dst, x)
	}
	if k != RBF { // there is no exp; rows alone are decided without vector instructions
		many = faster(rounds, decide, AVX2, AVX512)
		return many, many
	}
	many = faster(rounds, decide, AVX2, Mixed, AVX512)
	one = faster(rounds, func(level Instructions) {
		m.one = level
		for l := range dst {
			dst[l] = m.row(x[l*features : (l+1)*features])
		}
	}, AVX2, AVX512)
	return many, one
}

// faster returns the level by which f has its least time of so many rounds.
func faster(rounds int, f func(Instructions), levels ...Instructions) Instructions {
	var least [AVX512 + 1]time.Duration
	for round := range rounds {
		for _, level := range levels {
			start := time.Now()
			f(level)
			if took := time.Since(start); round == 0 || took < least[level] {
				least[level] = took
			}
		}
	}
	return slices.MinFunc(levels, func(a, b Instructions) int { return cmp.Compare(least[a], least[b]) })
}

// spaced returns n numbers between -1 and 1.
func spaced(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(i*37%64)/32 - 1
	}
	return v
}
