package runs

import (
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// ParsePredictions returns the number of rows of a CSV of predictions.
func ParsePredictions(data []byte) (int, error) {
	t, err := parsePredictions(data, fleet.Window{From: time.Unix(0, 0), To: time.Unix(1<<32, 0)})
	return len(t.rows), err
}

// ParseResiduals returns the residuals of a CSV of predictions, and the names of its features.
func ParseResiduals(data []byte) (residuals []float64, features []string, err error) {
	t, err := parsePredictions(data, fleet.Window{From: time.Unix(0, 0), To: time.Unix(1<<32, 0)})
	for _, r := range t.rows {
		residuals = append(residuals, r.residual)
	}
	return residuals, t.features, err
}

// AddTimes adds windows to a set of times, and returns what each added.
func AddTimes(windows []fleet.Window) (added [][]fleet.Window) {
	var set times
	for _, w := range windows {
		added = append(added, set.add(w))
	}
	return added
}
