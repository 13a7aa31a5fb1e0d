package predict

import (
	"fmt"
	"slices"
)

// Kind is what a model's predictions are.
type Kind int

// The kinds, by what a prediction is.
const (
	Detector   Kind = iota // 1 for an anomaly, 0 for a normal row
	Classifier             // a class
	Regressor              // a number
)

// String returns the kind's name, in lower case.
func (k Kind) String() string {
	switch k {
	case Detector:
		return "detector"
	case Classifier:
		return "classifier"
	case Regressor:
		return "regressor"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Model is a model that has been read. It is safe for concurrent use.
type Model interface {
	Kind() Kind
	// Features returns the number of columns of a row.
	Features() int
	// FeatureNames returns the names of these columns, or nil if the file does
	// not have them.
	FeatureNames() []string
	// Classes returns a classifier's classes as Python prints them, in the order
	// of its probabilities; of other models nil.
	Classes() []string
	// Predict sets r to what the model says of the rows of x, which is
	// row-major. An error about a number in x names its row; r is then of no use.
	Predict(r *Result, x []float64) error
	// Size returns about how many bytes the model holds.
	Size() int
}

// Result is what a model says of n rows. A Result that is used again keeps its
// memory.
type Result struct {
	// Predictions has n numbers: of a detector 1 for an anomaly and 0 for a
	// normal row, of a classifier the position in Classes, of a regressor the
	// value. A detector that needs a limit gives what its library's predict
	// gives, a cluster for instance, or nothing but zeros if there is no predict.
	Predictions []float64
	// Scores is row-major, with len(Scores)/n columns: of a detector one, of a
	// classifier what its decision_function gives, one for two classes. Models
	// that have no such scores leave it empty.
	Scores []float64
	// Probabilities is row-major, with a column for each class. It is empty if
	// the model gives none.
	Probabilities []float64
}

// Resize gives r room for n rows of so many scores and probabilities each. What
// the numbers are is undefined.
func (r *Result) Resize(n, scores, probabilities int) {
	r.Predictions = resize(r.Predictions, n)
	r.Scores = resize(r.Scores, n*scores)
	r.Probabilities = resize(r.Probabilities, n*probabilities)
}

func resize(v []float64, n int) []float64 { return slices.Grow(v[:0], n)[:n] }
