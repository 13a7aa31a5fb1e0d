package predict

import (
	"errors"
	"fmt"
	"math"
)

// Side says which of a detector's scores are anomalies.
type Side int

// The sides.
const (
	Low  Side = iota // scikit-learn's decision_function and score_samples
	High             // distances, and the scores of PyOD
)

// Unlimited is implemented by detectors that may have scores but no limit from which on a row
// is an anomaly: mixtures, densities, distances.
type Unlimited interface {
	Model
	// NeedsLimit reports whether the detector has no limit. Then Predict cannot detect
	// anomalies, and [Limit] must set one.
	NeedsLimit() bool
	// Anomalies says which of the scores are anomalies.
	Anomalies() Side
}

// ErrNoLimit is wrapped by errors for a detector without a limit.
var ErrNoLimit = errors.New("it gives scores, but no limit from which on a row is an anomaly")

// Check returns an error that wraps [ErrNoLimit] if m is a detector without a limit.
func Check(m Model) error {
	if u, ok := m.(Unlimited); ok && u.NeedsLimit() {
		return fmt.Errorf("%w: give it a threshold", ErrNoLimit)
	}
	return nil
}

// SideOf says which of a detector's scores are anomalies.
func SideOf(m Model) Side {
	if u, ok := m.(Unlimited); ok {
		return u.Anomalies()
	}
	return Low
}

// Limit returns the detector m with another limit. A row is an anomaly if its score is below
// the limit, or above it if side is High. Scores do not change.
func Limit(m Model, limit float64, side Side) (Model, error) {
	switch {
	case m.Kind() != Detector:
		return nil, fmt.Errorf("a threshold is for detectors, but the model is a %v", m.Kind())
	case math.IsNaN(limit) || math.IsInf(limit, 0):
		return nil, fmt.Errorf("the threshold %v is no finite number", limit)
	}
	return &limited{m, limit, side}, nil
}

// limited is a detector with a limit that the user set.
type limited struct {
	Model
	limit float64
	side  Side
}

func (l *limited) NeedsLimit() bool { return false }
func (l *limited) Anomalies() Side  { return l.side }

func (l *limited) Predict(r *Result, x []float64) error {
	if err := l.Model.Predict(r, x); err != nil {
		return err
	}
	r.Probabilities = r.Probabilities[:0]
	for i, s := range r.Scores {
		r.Predictions[i] = 0
		if l.side == Low && s < l.limit || l.side == High && s > l.limit {
			r.Predictions[i] = 1
		}
	}
	return nil
}
