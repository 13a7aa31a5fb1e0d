package sklearn

// arena is scratch memory. Callers take from it and give back in reverse order, as
// with a stack. The zero value is ready to use.
type arena struct {
	numbers []float64
	used    int
	// together is set by [Model.PredictTogether]: all rows of the call are in one
	// chunk, and the score of a row may depend on the others.
	together bool
}

// take returns n numbers, whose values are undefined. They are valid until release
// is called with what a.used was before.
func (a *arena) take(n int) []float64 {
	if a.used+n > len(a.numbers) {
		// What was taken before stays where it is.
		a.numbers = make([]float64, a.used+2*n)
	}
	a.used += n
	return a.numbers[a.used-n : a.used : a.used]
}

// release gives back all that was taken since a.used had this value.
func (a *arena) release(used int) { a.used = used }
