package svm

// Instructions is the set of vector instructions that a model uses.
type Instructions int

// The instruction sets. A processor that has one also has those before it.
const (
	Portable Instructions = iota // compiled Go, the only one on other architectures than amd64
	AVX2                         // with FMA
	Mixed                        // AVX512, but exp with AVX2, which loads table entries faster on Intel
	AVX512                       // F and DQ
)

var names = [...]string{Portable: "portable", AVX2: "avx2", Mixed: "avx512+avx2", AVX512: "avx512"}

func (i Instructions) String() string { return names[i] }

// Best returns the last instruction set that the processor has. A new model uses [Fastest].
func Best() Instructions { return best }

// Use makes m use these instructions, or [Best] if the processor does not have them. The
// scores do not depend on them. It must not be called while m is in use.
func (m *OneClass) Use(i Instructions) { m.many, m.one = min(best, i), min(best, i) }
