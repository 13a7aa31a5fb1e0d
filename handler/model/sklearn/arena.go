package sklearn

// arena is scratch memory, handed out and given back like a stack. Its zero
// value is ready to use.
type arena struct {
	numbers []float64
	used    int
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
