package svm

// Instructions is the set of vector instructions that a model uses.
type Instructions int

// The sets, each better than the one before.
const (
	Portable Instructions = iota // plain Go, the only one but on amd64
	AVX2                         // with FMA
	AVX512                       // F and DQ
)

var names = [...]string{Portable: "portable", AVX2: "avx2", AVX512: "avx512"}

func (i Instructions) String() string { return names[i] }

// Best returns the best set that the processor has, which is what a new model
// uses.
func Best() Instructions { return best }

// Limit makes m use no better instructions than max: Portable turns vector
// instructions off. The results are the same bits. It must not be called
// while m is in use.
func (m *OneClass) Limit(max Instructions) { m.level = min(best, max) }
