package sklearn

import (
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// transformer is a fitted transformer. Transform sets the n rows of dst to
// what the n rows of src, which dst does not overlap, become.
type transformer interface {
	transform(dst, src []float64, n int, a *arena) error
}

// predictor is a fitted detector, classifier or regressor, on rows that have
// been checked.
type predictor interface {
	// predict fills what of out is not nil, for the n rows of x.
	predict(out outcome, x []float64, n int, a *arena) error
}

// outcome is room for what an estimator says of n rows, as [predict.Result]
// has it. What is nil is not wanted.
type outcome struct {
	pred  []float64 // n
	score []float64 // n rows of element.scores
	proba []float64 // n rows of element.probabilities
}

// part returns the room for the rows from the one to before the other, of n.
func (o outcome) part(from, to, n int) outcome {
	cut := func(v []float64) []float64 {
		if v == nil {
			return nil
		}
		width := len(v) / n
		return v[from*width : to*width]
	}
	return outcome{cut(o.pred), cut(o.score), cut(o.proba)}
}

// sampler is a predictor whose version of scikit-learn has score_samples.
type sampler interface {
	// scoreSamples sets dst to score_samples.
	scoreSamples(dst, x []float64, a *arena) error
}

// element is an estimator in its place: a transformer, a predictor, or both.
// One that is neither passes its rows on.
type element struct {
	transformer
	predictor
	role
	label   string // "StandardScaler in step 'scaler'"
	accepts numbers
	in, out int // columns; anyWidth stands for any number, which comes out again
	size    int // bytes held
}

// alone returns what e is where nothing that predicts comes after it: itself, or
// of a transformer that can judge rows, or a Pipeline that ends in one, that.
func (e *element) alone() *element {
	if e.predictor != nil {
		return e
	}
	same := *e
	switch t := e.transformer.(type) {
	case *pipeline:
		if len(t.steps) == 0 {
			return e
		}
		last := t.steps[len(t.steps)-1].alone()
		if last.predictor == nil {
			return e
		}
		p := &pipeline{steps: t.steps[:len(t.steps)-1], last: last}
		same.predictor, same.role = p, last.role
	case judge:
		same.predictor, same.role = t, t.judges()
	}
	return &same
}

// judge is a transformer that can also judge rows, by itself.
type judge interface {
	predictor
	judges() role
}

// role is what a predictor gives.
type role struct {
	kind          predict.Kind
	classes       *labels // of a classifier
	scores        int     // columns of decision_function
	probabilities int     // columns of predict_proba
	unlimited     bool    // a detector whose scores have no limit
	anomalies     predict.Side
}

// detects is the role of a detector with a decision_function.
var detects = role{kind: predict.Detector, scores: 1}

// numbers says which numbers an estimator accepts in its input.
type numbers int

const (
	finite   numbers = iota // neither NaN nor infinite
	finite32                // and so as a float32
	finiteOrNaN
	finite32OrNaN
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

// amongColumns says of an inputError of an estimator that was given only these
// columns, which it is of the row.
func amongColumns(err error, columns []int) error {
	var bad *inputError
	if columns != nil && errors.As(err, &bad) && bad.column < len(columns) {
		bad.column = columns[bad.column]
	}
	return err
}

// check returns an error unless the n rows of x are of e's width, and e accepts
// all of x; of a number, an *inputError.
func (e *element) check(x []float64, n int) error {
	columns := len(x) / n
	if columns*n != len(x) || !e.fits(columns) {
		return fmt.Errorf("%s takes %d columns: %d numbers are not %d rows of them", e.label, e.in, len(x), n)
	}
	if e.accepts == anyNumber {
		return nil
	}
	for i, v := range x {
		if e.accepts == finite32 || e.accepts == finite32OrNaN {
			v = float64(float32(v))
		}
		if v-v == 0 || e.accepts >= finiteOrNaN && math.IsNaN(v) {
			continue
		}
		return &inputError{row: i / columns, column: i % columns, value: x[i], label: e.label}
	}
	return nil
}

// transform checks src and transforms it.
func (e *element) transform(dst, src []float64, n int, a *arena) error {
	if err := e.check(src, n); err != nil {
		return err
	}
	if want := n * e.width(len(src)/n); len(dst) != want {
		return fmt.Errorf("%s gives %d numbers, there is room for %d", e.label, want, len(dst))
	}
	if e.transformer == nil {
		copy(dst, src)
		return nil
	}
	return e.transformer.transform(dst, src, n, a)
}

// predict checks the n rows of x and predicts them.
func (e *element) predict(out outcome, x []float64, n int, a *arena) error {
	if err := e.check(x, n); err != nil {
		return err
	}
	return e.predictor.predict(out, x, n, a)
}

// scoreSamples checks x and scores it.
func (e *element) scoreSamples(dst, x []float64, a *arena) error {
	if err := e.check(x, len(dst)); err != nil {
		return err
	}
	s, ok := e.predictor.(sampler)
	if !ok {
		return &unsupported{"score_samples is not supported: " + e.label + " has none"}
	}
	return s.scoreSamples(dst, x, a)
}
