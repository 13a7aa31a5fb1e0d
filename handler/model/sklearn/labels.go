package sklearn

// labels are a classifier's classes, in the order of its probabilities.
type labels struct {
	names []string // as Python prints them
}
