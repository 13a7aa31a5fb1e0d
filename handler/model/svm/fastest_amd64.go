package svm

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// maxMeasured is the largest number of features that is measured. It stands for all larger
// numbers too.
const maxMeasured = 64

// fastest holds the results of the measurement: first for scalar products or RBF, then for
// numbers of features up to 1, 2, 4, … 64.
var fastest [2][7]struct {
	once      sync.Once
	many, one Instructions
}

// Fastest returns the instructions that a new model with this kernel uses, for many rows
// and for one row. On a processor with AVX-512 they are measured when the first model of
// about that many features is made, in some ten microseconds: on some processors AVX2 is
// faster, or only exp with AVX2, because it loads table entries faster. The scores do not
// depend on the instructions.
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

// race measures the instruction sets in turn, and returns the fastest for many rows and for
// one row.
func race(k KernelType, features int) (many, one Instructions) {
	const rounds, vectors, rows = 7, 2 * chunk, maxWidth
	m := &OneClass{kernel: Kernel{Type: k, Gamma: 1 / float64(features), Degree: 1}, dims: features, count: vectors}
	m.pack(spaced(vectors*features), spaced(vectors))
	x, dst := spaced(rows*features), make([]float64, rows)
	decide := func(level Instructions) {
		m.many = level
		m.decisionVector(dst, x)
	}
	if k != RBF { // without exp; a single row does not use vector instructions
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

// faster returns the level with the shortest time of f, of that many rounds.
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

// spaced returns n numbers from -1 to 1.
func spaced(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(i*37%64)/32 - 1
	}
	return v
}
