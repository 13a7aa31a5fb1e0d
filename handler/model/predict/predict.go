package predict

import (
	"fmt"
	"slices"
)

// Kind is the kind of a model.
type Kind int

// The kinds, and what they predict.
const (
	Detector   Kind = iota // 1 for an anomaly, 0 for a normal row
	Classifier             // the position of a class
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
	// Classes returns a classifier's classes as Python's print writes them, in the order
	// of its probabilities. For other models it returns nil.
	Classes() []string
	// Predict sets r to the results of the rows of x, which is row-major. An error about
	// a number in x names its row. After an error the content of r is undefined.
	Predict(r *Result, x []float64) error
	// Size returns about how many bytes of memory the model takes.
	Size() int
}

// Result holds the results of n rows. If it is used for several calls, its memory is reused.
type Result struct {
	// Predictions has a number for each row. For a detector it is 1 for an anomaly and 0
	// for a normal row, for a classifier the position in Classes, for a regressor the
	// predicted value. For a detector without a limit it is what predict of its library
	// returns, a cluster for instance, or 0 if the library has no predict.
	Predictions []float64
	// Scores has n rows of len(Scores)/n numbers: one for a detector, the numbers of
	// decision_function for a classifier, which is one for two classes. It is empty for
	// models without scores.
	Scores []float64
	// Probabilities has n rows with a number for each class. It is empty for models
	// without probabilities.
	Probabilities []float64
}

// Resize sets the lengths of r's slices for n rows, with that many scores and probabilities
// each. The numbers in them are undefined.
func (r *Result) Resize(n, scores, probabilities int) {
	r.Predictions = resize(r.Predictions, n)
	r.Scores = resize(r.Scores, n*scores)
	r.Probabilities = resize(r.Probabilities, n*probabilities)
}

func resize(v []float64, n int) []float64 { return slices.Grow(v[:0], n)[:n] }
