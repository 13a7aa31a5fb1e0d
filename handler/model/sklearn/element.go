package sklearn

import (
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// transformer is a fitted transformer. Transform transforms the n rows of src into the
// n rows of dst, which does not overlap src.
type transformer interface {
	transform(dst, src []float64, n int, a *arena) error
}

// predictor is a fitted detector, classifier or regressor. The rows that it gets have
// been checked by element.check.
type predictor interface {
	// predict fills the slices of out that are not nil, for the n rows of x.
	predict(out outcome, x []float64, n int, a *arena) error
}

// outcome holds the results of n rows, with the meanings of [predict.Result]. A caller
// leaves nil what it does not want.
type outcome struct {
	pred  []float64 // n
	score []float64 // n rows of role.scores numbers
	proba []float64 // n rows of role.probabilities numbers
}

// rows returns the part of o, which is of n rows, for the rows from to to-1.
func (o outcome) rows(from, to, n int) outcome {
	cut := func(v []float64) []float64 {
		if v == nil {
			return nil
		}
		width := len(v) / n
		return v[from*width : to*width]
	}
	return outcome{cut(o.pred), cut(o.score), cut(o.proba)}
}

// sampler is a predictor that has score_samples in scikit-learn.
type sampler interface {
	// scoreSamples sets dst to score_samples.
	scoreSamples(dst, x []float64, a *arena) error
}

// element is a loaded estimator: a transformer, a predictor, or both. An element that is
// neither returns its rows unchanged.
type element struct {
	transformer
	predictor
	role
	label   string // "StandardScaler in step 'scaler'", for errors
	accepts numbers
	sparse  sparsity // of the output
	in, out int      // columns of its input and output; see anyWidth
	size    int      // bytes of memory
}

// asModel returns e as the last step of a model. If e is a transformer that can be a
// detector, or a Pipeline that ends in one, the result predicts. Otherwise it is e.
func (e *element) asModel() *element {
	if e.predictor != nil {
		return e
	}
	same := *e
	switch t := e.transformer.(type) {
	case *pipeline:
		if len(t.steps) == 0 {
			return e
		}
		last := t.steps[len(t.steps)-1].asModel()
		if last.predictor == nil {
			return e
		}
		p := &pipeline{steps: t.steps[:len(t.steps)-1], last: last}
		same.predictor, same.role = p, last.role
	case scoringTransformer:
		same.predictor, same.role = t, t.scoringRole()
	}
	return &same
}

// scoringTransformer is a transformer that can also score rows, PCA by its
// reconstruction error for instance.
type scoringTransformer interface {
	predictor
	scoringRole() role
}

// role says what a predictor returns.
type role struct {
	kind          predict.Kind
	classes       *labels      // of a classifier
	scores        int          // columns of decision_function
	probabilities int          // columns of predict_proba
	unlimited     bool         // a detector without a threshold of its own
	anomalies     predict.Side // which of a detector's scores are anomalies
}

// detects is the role of a detector with a decision_function.
var detects = role{kind: predict.Detector, scores: 1}

// numbers says which numbers an estimator accepts in its input. Scikit-learn raises an
// error for others.
type numbers int

const (
	finite   numbers = iota // neither NaN nor infinite
	finite32                // finite after rounding to float32
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

// amongColumns corrects the column of an inputError in err: the estimator was given only
// these columns of the row.
func amongColumns(err error, columns []int) error {
	var bad *inputError
	if columns != nil && errors.As(err, &bad) && bad.column < len(columns) {
		bad.column = columns[bad.column]
	}
	return err
}

// check returns an error unless x has n rows of e's width. It returns an *inputError for
// a number that e does not accept.
func (e *element) check(x []float64, n int) error {
	columns := len(x) / n
	if columns*n != len(x) || !e.fits(columns) {
		return fmt.Errorf("%s takes %d columns: %d numbers are not %d rows of them", e.label, e.in, len(x), n)
	}
	if e.accepts == anyNumber {
		return nil
	}
	single := e.accepts == finite32 || e.accepts == finite32OrNaN
	accepted := math.MaxFloat64 // as every number up to it is
	if single {
		accepted = math.MaxFloat32
	}
	for i, v := range x {
		if math.Abs(v) <= accepted {
			continue
		}
		if single {
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

// scoreSamples checks x, which has len(dst) rows, and sets dst to their score_samples.
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
