package sklearn

// maxFeatures bounds the columns of rows, in a model and between its steps.
const maxFeatures = 1 << 20

// dim is a number that arrays of an estimator have in common: of features, of
// classes, of rows it was fitted on. The first array that is read tells it, and
// all others have to agree. It is never 0, unless it may be none.
type dim struct {
	what string // what there are so many of, in the plural
	n    int    // 0 until it is known
	none bool   // there may be none
}

// exactly is the dim that is known to be n. Nothing agrees with a dim of 0.
func exactly(n int, what string) *dim {
	if n < 1 {
		n = -1
	}
	return &dim{what: what, n: n}
}

// agree reports whether the array called name, which has n elements along d,
// fits. It keeps an error if not.
func (a *attrs) agree(name string, d *dim, n int) bool {
	switch {
	case a.err != nil:
	case n == 0 && d.none && d.n == 0:
		return true
	case n == 0 || d.n < 0:
		a.fail("%s is of %d %s: one at least is needed; the file is damaged or made by hand: fit the model and write it again", name, n, d.what)
	case d.n == 0 && d == &a.in && n > maxFeatures:
		a.fail("%s is of %d %s: at most %d are supported", name, n, d.what, maxFeatures)
	case d.n == 0:
		d.n = n
		return true
	case d.n != n:
		a.fail("%s is of %d %s, where there are %d", name, n, d.what, d.n)
	default:
		return true
	}
	return false
}

// fittedOn begins with the number of columns that the estimator says it was
// fitted on, n_features_in_ since 0.23. Before, its arrays tell.
func (a *attrs) fittedOn() {
	a.in = dim{what: "features"}
	if a.has("n_features_in_") {
		a.featuresFrom("n_features_in_")
	}
}

// featuresFrom takes the number of columns from an attribute.
func (a *attrs) featuresFrom(name string) {
	if n := a.int(name); n < 0 {
		a.fail("%s is %d", name, n)
	} else {
		a.agree(name, &a.in, n)
	}
}

// anyWidth is the width of an element that takes any number of columns, and
// gives as many.
const anyWidth = -1

// place gives an element its widths: what goes in is what its arrays said, and
// as much comes out where its loader said nothing else. This is the one place
// where they are checked, for every estimator.
func (a *attrs) place(e *element) {
	if e.in == 0 {
		e.in = a.in.n
	}
	if e.out == 0 {
		e.out = e.in
	}
	switch {
	case a.err != nil:
	case e.classes != nil && e.scores > 0 && len(e.classes.names) < 2:
		a.fail("it has %d classes: two at least are needed", len(e.classes.names))
	case e.classes != nil && len(e.classes.names) == 0:
		a.fail("it has no classes")
	case e.in == 0:
		a.fail("nothing in it says how many columns it takes: fit it with scikit-learn 0.23 or later")
	case e.in != anyWidth && a.in.n != 0 && e.in != a.in.n:
		a.fail("it takes %d columns, but was fitted on %d", e.in, a.in.n)
	case e.in < anyWidth, e.out < anyWidth, e.out > maxFeatures, e.in > maxFeatures, e.in != anyWidth && e.out == anyWidth:
		a.fail("from %d columns to %d: 1 to %d are supported", e.in, e.out, maxFeatures)
	}
}

// features are the columns that the estimator was fitted on; where nothing says
// so, any number.
func (a *attrs) featuresOrAny() int {
	if a.in.n == 0 {
		return anyWidth
	}
	return a.in.n
}

// fits returns an error unless e takes rows of so many columns.
func (e *element) fits(columns int) bool { return e.in == anyWidth || e.in == columns }

// width returns how many columns come out where in go in.
func (e *element) width(in int) int {
	if e.out == anyWidth {
		return in
	}
	return e.out
}
