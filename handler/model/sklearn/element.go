package sklearn

import (
	"fmt"
	"math"
)

// transformer is a fitted transformer. Transform sets the n rows of dst to
// what the n rows of src, which dst does not overlap, become.
type transformer interface {
	transform(dst, src []float64, n int, a *arena) error
}

// detector is a fitted outlier detector, on rows that have been checked.
type detector interface {
	// detect sets score to decision_function and pred to 1 for an anomaly.
	detect(pred []uint8, score, x []float64, a *arena) error
	// scoreSamples sets dst to score_samples.
	scoreSamples(dst, x []float64, a *arena) error
}

// element is an estimator in its place: a transformer or a detector. One that
// is neither passes its rows on.
type element struct {
	transformer
	detector
	label   string // "StandardScaler in step 'scaler'"
	accepts numbers
	in, out int // columns; 0 stands for any number, which comes out again
	size    int // bytes held
}

// numbers says which numbers an estimator accepts in its input.
type numbers int

const (
	finite   numbers = iota // neither NaN nor infinite
	finite32                // and so as a float32
	finiteOrNaN
	anyNumber
)

// inputError says that an estimator does not accept a number.
type inputError struct {
	row, column int
	value       float64
	label       string
}

func (e *inputError) Error() string {
	return fmt.Sprintf("row %d, column %d: %s does not accept %v", e.row, e.column, e.label, e.value)
}

// check returns an *inputError unless e accepts all of x, rows of so many
// columns.
func (e *element) check(x []float64, columns int) error {
	if e.accepts == anyNumber {
		return nil
	}
	for i, v := range x {
		if e.accepts == finite32 {
			v = float64(float32(v))
		}
		if v-v == 0 || e.accepts == finiteOrNaN && math.IsNaN(v) {
			continue
		}
		return &inputError{row: i / columns, column: i % columns, value: x[i], label: e.label}
	}
	return nil
}

// width returns how many columns come out where in go in.
func (e *element) width(in int) int {
	if e.out == 0 {
		return in
	}
	return e.out
}

// transform checks src and transforms it.
func (e *element) transform(dst, src []float64, n int, a *arena) error {
	if err := e.check(src, len(src)/n); err != nil {
		return err
	}
	if e.transformer == nil {
		copy(dst, src)
		return nil
	}
	return e.transformer.transform(dst, src, n, a)
}

// detect checks x and scores it.
func (e *element) detect(pred []uint8, score, x []float64, a *arena) error {
	if err := e.check(x, e.in); err != nil {
		return err
	}
	return e.detector.detect(pred, score, x, a)
}

// scoreSamples checks x and scores it.
func (e *element) scoreSamples(dst, x []float64, a *arena) error {
	if err := e.check(x, e.in); err != nil {
		return err
	}
	return e.detector.scoreSamples(dst, x, a)
}
