package artifact

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// Model is a model, with the threshold that stands beside it. It is safe for
// concurrent use.
type Model struct {
	predict.Model
	loaded *sklearn.Model
	spec   *features.Spec
	about  Description
	parts  []Part
}

// Part is a file of a folder or zip file, and as what it was taken: the class of an
// estimator, "columns", "threshold", "class names", "features file" or "MLmodel".
type Part struct{ Name, As string }

// Description says what a model is, for people and as JSON.
type Description struct {
	Format string `json:"format"` // of the file
	Kind   string `json:"kind"`
	// Classes are a classifier's.
	Classes []string `json:"classes,omitempty"`
	// Anomalies says which of a detector's scores are anomalies: "low" or "high".
	Anomalies string `json:"anomalies,omitempty"`
	// Threshold is the score from which on a row is an anomaly, or a classifier's
	// probability of its second class, where the file or its features file gives
	// one.
	Threshold *float64 `json:"threshold,omitempty"`
	// NeedsThreshold says that a detector gives scores, but cannot tell anomalies.
	NeedsThreshold bool `json:"needs_threshold,omitempty"`
	// DependsOnOthers says that the library scores a row by the other rows of the same
	// call too; runs score each alone.
	DependsOnOthers bool `json:"depends_on_other_rows,omitempty"`
	sklearn.Description
}

// newModel applies what the features file, or else the file itself, says of
// anomalies.
func newModel(loaded *sklearn.Model, format string, spec *features.Spec) (*Model, error) {
	if err := loaded.Predicts(); err != nil {
		return nil, &foreign{err.Error(), true}
	}
	m := &Model{Model: loaded, loaded: loaded, spec: spec}
	m.about = Description{Format: format, Kind: m.Kind().String(), Classes: m.Classes(), Description: loaded.Describe()}
	var where string
	var threshold float64
	switch beside := loaded.Threshold(); {
	case spec != nil && spec.Thresh != nil:
		where, threshold = "the features file's threshold", *spec.Thresh
	case beside != nil && m.Kind() != predict.Regressor: // a regressor's is for the residual, which the features file describes
		if err := beside.Err(); err != nil {
			return nil, err
		}
		where, threshold = fmt.Sprintf("%.60q in the file", beside.Key), beside.Value
	}
	if where != "" {
		limited, err := limit(m.Model, threshold)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		m.Model, m.about.Threshold = limited, &threshold
	}
	if m.Kind() == predict.Detector {
		m.about.Anomalies = "low"
		if predict.SideOf(m.Model) == predict.High {
			m.about.Anomalies = "high"
		}
		m.about.NeedsThreshold = predict.Check(m.Model) != nil
		m.about.DependsOnOthers = loaded.DependsOnOthers()
	}
	return m, nil
}

// limit returns m with another threshold.
func limit(m predict.Model, threshold float64) (predict.Model, error) {
	if m.Kind() == predict.Classifier {
		return cutOff(m, threshold)
	}
	return predict.Limit(m, threshold, predict.SideOf(m))
}

// Describe says what the model is.
func (m *Model) Describe() Description { return m.about }

// Spec returns the features file that was packed with the model, or given to
// [Load]; nil if there is none.
func (m *Model) Spec() *features.Spec { return m.spec }

// NeedsLimit reports a detector that cannot tell anomalies.
func (m *Model) NeedsLimit() bool { return m.about.NeedsThreshold }

// Anomalies says which of a detector's scores are anomalies.
func (m *Model) Anomalies() predict.Side { return predict.SideOf(m.Model) }

// Detects returns nil if the model can tell anomalies, else an error that says why
// not.
func (m *Model) Detects() error {
	if m.Kind() == predict.Detector && m.about.Threshold != nil {
		return nil
	}
	return m.loaded.Detects()
}

// Use makes the model use these instructions: see [sklearn.Model.Use].
func (m *Model) Use(i svm.Instructions) { m.loaded.Use(i) }

// cut is a classifier of two classes that says the second from another probability
// on than one half.
type cut struct {
	predict.Model
	from float64
}

func cutOff(m predict.Model, from float64) (predict.Model, error) {
	var r predict.Result
	if err := m.Predict(&r, make([]float64, m.Features())); err != nil || len(m.Classes()) != 2 || len(r.Probabilities) != 2 {
		return nil, fmt.Errorf("a threshold is for classifiers of two classes with probabilities, but the model has %d classes and %d probabilities", len(m.Classes()), len(r.Probabilities))
	}
	if !(from >= 0 && from <= 1) {
		return nil, fmt.Errorf("the threshold %v is no probability: write one from 0 to 1", from)
	}
	return &cut{m, from}, nil
}

func (c *cut) Predict(r *predict.Result, x []float64) error {
	if err := c.Model.Predict(r, x); err != nil {
		return err
	}
	for i := range r.Predictions {
		r.Predictions[i] = 0
		if r.Probabilities[2*i+1] >= c.from {
			r.Predictions[i] = 1
		}
	}
	return nil
}

// DependsOnOthers reports a model that scores a row in its library by the other rows
// of the same call too; see [sklearn.Model.PredictTogether].
func (m *Model) DependsOnOthers() bool { return m.loaded.DependsOnOthers() }

// PredictTogether is Predict of the rows of x as the library scores them in one
// call.
func (m *Model) PredictTogether(r *predict.Result, x []float64) error {
	together := m.loaded.PredictTogether
	if t := m.about.Threshold; t != nil && m.Kind() == predict.Detector {
		limited, err := predict.Limit(callTogether{m.loaded}, *t, m.Anomalies())
		if err != nil {
			return err
		}
		together = limited.Predict
	}
	return together(r, x)
}

// callTogether is a model whose Predict is that of all rows in one call.
type callTogether struct{ *sklearn.Model }

func (c callTogether) Predict(r *predict.Result, x []float64) error {
	return c.PredictTogether(r, x)
}

// Library returns the model as its library has it, without the threshold that
// stands beside it.
// All rows of a call are scored as in one of the library's.
func (m *Model) Library() predict.Model { return callTogether{m.loaded} }

// Scaling returns what the first scaler that rows come to subtracts and divides by:
// see [sklearn.Model.Scaling].
func (m *Model) Scaling() (center, scale []float64) { return m.loaded.Scaling() }
