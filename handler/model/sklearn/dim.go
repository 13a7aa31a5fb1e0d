package sklearn

// maxFeatures is the largest number of columns that a step takes or returns.
const maxFeatures = 1 << 20

// dim is a length that several arrays of an estimator share: the number of features, of
// classes, or of fitted rows. The first array that is read sets it, and all others must
// agree. A length of 0 is an error unless none is set.
type dim struct {
	what string // what is counted, in the plural, for errors
	n    int    // 0 until an array sets it
	none bool   // the length may be 0
}

// exactly returns a dim that is n from the start. If n is 0, no array agrees with it.
func exactly(n int, what string) *dim {
	if n < 1 {
		n = -1
	}
	return &dim{what: what, n: n}
}

// agree reports whether n, the length of an array along d, agrees with d. It sets d if
// this is the first array, and keeps an error if the lengths differ.
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

// fittedOn sets a.in to n_features_in_, which estimators have since 0.23. Without it the
// first array sets a.in.
func (a *attrs) fittedOn() {
	a.in = dim{what: "features"}
	if a.has("n_features_in_") {
		a.featuresFrom("n_features_in_")
	}
}

// featuresFrom sets a.in from an attribute.
func (a *attrs) featuresFrom(name string) {
	if n := a.int(name); n < 0 {
		a.fail("%s is %d", name, n)
	} else {
		a.agree(name, &a.in, n)
	}
}

// anyWidth is the width of an element that takes any number of columns and returns as
// many.
const anyWidth = -1

// setWidths sets and checks the widths of an element that was loaded. Where the loader
// set none, the input is a.in columns, and the output as many as the input. Every
// estimator is checked here, so that a new loader need not do it.
func (a *attrs) setWidths(e *element) {
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

// featuresOrAny returns the number of columns that the estimator was fitted on, or
// anyWidth if nothing says it.
func (a *attrs) featuresOrAny() int {
	if a.in.n == 0 {
		return anyWidth
	}
	return a.in.n
}

// fits reports whether e takes rows of that many columns.
func (e *element) fits(columns int) bool { return e.in == anyWidth || e.in == columns }

// width returns the number of columns that e returns for rows of in columns.
func (e *element) width(in int) int {
	if e.out == anyWidth {
		return in
	}
	return e.out
}
