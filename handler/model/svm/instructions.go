package svm

// Instructions is the set of vector instructions that a model uses.
type Instructions int

// The sets: a processor that has one has those before it too.
const (
	Portable Instructions = iota // plain Go, the only one but on amd64
	AVX2                         // with FMA
	Mixed                        // AVX512, but exp of AVX2, whose gathers of table entries are cheaper on Intel
	AVX512                       // F and DQ
)

var names = [...]string{Portable: "portable", AVX2: "avx2", Mixed: "avx512+avx2", AVX512: "avx512"}

func (i Instructions) String() string { return names[i] }

// Best returns the widest set that the processor has. A new model uses [Fastest].
func Best() Instructions { return best }

// Use makes m use these instructions, or [Best] where the processor does not have
// them: Portable turns vector instructions off. The results are the same bits. It
// must not be called while m is in use.
func (m *OneClass) Use(i Instructions) { m.many, m.one = min(best, i), min(best, i) }
