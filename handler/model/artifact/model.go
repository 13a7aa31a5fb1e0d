package artifact

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// Model is a model with its features file and its threshold. It is safe for concurrent use.
type Model struct {
	predict.Model
	loaded *sklearn.Model
	spec   *features.Spec
	about  Description
	parts  []Part
}

// Part is a file of a folder or zip file that the model uses. As says what for: the class of
// an estimator, "columns", "threshold", "class names", "features file" or "MLmodel".
type Part struct{ Name, As string }

// Description says what a model is. People read it, and it is written as JSON.
type Description struct {
	Format string `json:"format"` // of the file
	Kind   string `json:"kind"`
	// Classes are a classifier's.
	Classes []string `json:"classes,omitempty"`
	// Anomalies says which of a detector's scores are anomalies: "low" or "high".
	Anomalies string `json:"anomalies,omitempty"`
	// Threshold is the score from which on a row is an anomaly. For a classifier it is the
	// probability from which on a row is of the second class. It comes from the file or the
	// features file.
	Threshold *float64 `json:"threshold,omitempty"`
	// NeedsThreshold says that a detector has scores, but no threshold.
	NeedsThreshold bool `json:"needs_threshold,omitempty"`
	// DependsOnOthers says that the library's score of a row depends on the other rows of
	// the same call. Runs score each row as if it were alone.
	DependsOnOthers bool `json:"depends_on_other_rows,omitempty"`
	sklearn.Description
}

// newModel applies the threshold of the features file, or else that in the model's file.
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
	case beside != nil && m.Kind() != predict.Regressor: // a regressor's threshold is of the residual, which only a features file describes
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

// Describe returns the model's description.
func (m *Model) Describe() Description { return m.about }

// Spec returns the features file in the zip file or folder, or the one given to [Load], or
// nil.
func (m *Model) Spec() *features.Spec { return m.spec }

// NeedsLimit reports whether the model is a detector without a threshold.
func (m *Model) NeedsLimit() bool { return m.about.NeedsThreshold }

// Anomalies says which of a detector's scores are anomalies.
func (m *Model) Anomalies() predict.Side { return predict.SideOf(m.Model) }

// Detects returns nil if the model can detect anomalies. Otherwise it returns an error that
// says why not.
func (m *Model) Detects() error {
	if m.Kind() == predict.Detector && m.about.Threshold != nil {
		return nil
	}
	return m.loaded.Detects()
}

// Use makes the model use these instructions: see [sklearn.Model.Use].
func (m *Model) Use(i svm.Instructions) { m.loaded.Use(i) }

// cut is a classifier of two classes that predicts the second from a given probability on.
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

// DependsOnOthers reports whether the library's score of a row depends on the other rows of
// the same call; see [sklearn.Model.DependsOnOthers].
func (m *Model) DependsOnOthers() bool { return m.loaded.DependsOnOthers() }

// PredictTogether is like Predict, but scores the rows as the library does in one call; see
// [sklearn.Model.PredictTogether].
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

// callTogether is a model whose Predict is PredictTogether.
type callTogether struct{ *sklearn.Model }

func (c callTogether) Predict(r *predict.Result, x []float64) error {
	return c.PredictTogether(r, x)
}

// Library returns the model without the threshold of the file or the features file. Its
// Predict scores the rows as the library does in one call.
func (m *Model) Library() predict.Model { return callTogether{m.loaded} }

// Scaling returns the center and the scale of the model's first scaler; see
// [sklearn.Model.Scaling].
func (m *Model) Scaling() (center, scale []float64) { return m.loaded.Scaling() }
