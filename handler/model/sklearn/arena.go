package sklearn

import "slices"

// arena is scratch memory, handed out and given back like a stack. Its zero
// value is ready to use.
type arena struct {
	numbers []float64
	used    int
	narrow  []float32
	// together says that all rows of a call are in one chunk, and are to be scored as
	// the library does in one call where that is not each row alone; see
	// [Model.PredictTogether].
	together bool
}

// singles returns x rounded to float32. It is valid until the next call.
func (a *arena) singles(x []float64) []float32 {
	a.narrow = slices.Grow(a.narrow[:0], len(x))[:len(x)]
	for i, v := range x {
		a.narrow[i] = float32(v)
	}
	return a.narrow
}

// take returns n numbers of any value. They are valid until the arena is
// released to where it was before.
func (a *arena) take(n int) []float64 {
	if a.used+n > len(a.numbers) {
		// What was taken before stays where it is.
		a.numbers = make([]float64, a.used+2*n)
	}
	a.used += n
	return a.numbers[a.used-n : a.used : a.used]
}

// release gives back all that was taken since used was as given.
func (a *arena) release(used int) { a.used = used }
