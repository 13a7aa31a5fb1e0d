package sklearn_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// pyodGolden is a detector of PyOD and its results.
type pyodGolden struct {
	File     []byte
	Rows     [][]float64
	Decision []*float64 `json:"decision_function"` // of all rows in one call; null is NaN
	Predict  []float64
	Proba    []*float64 `json:"predict_proba"` // the probability of an anomaly
	Alone    []*float64 // decision_function, a call for each row
}

// newestPyOD has the goldens of the newest version.
const newestPyOD = "../testdata/pyod-3.6.7.json.gz"

func readPyOD(t testing.TB, path string) map[string]pyodGolden {
	return readModels[pyodGolden](t, path)
}

func pyodFiles(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("../testdata/pyod-*.json.gz")
	if err != nil || len(paths) < 5 {
		t.Fatal("goldens of PyOD are missing", err)
	}
	return paths
}

// withinOf reports whether a score differs from PyOD's by no more than the tolerance.
func withinOf(got float64, want *float64, tolerance float64) bool {
	if want == nil {
		return math.IsNaN(got)
	}
	return math.Abs(got-*want) <= tolerance*max(1, math.Abs(*want))
}

// TestPyOD compares each detector of PyOD with the results of several versions.
// Predictions are equal. Scores and probabilities differ by at most 1e-12.
func TestPyOD(t *testing.T) {
	t.Parallel()
	for _, path := range pyodFiles(t) {
		for name, want := range readPyOD(t, path) {
			m, err := sklearn.Load(want.File)
			if err != nil {
				t.Errorf("%s, %s: %v", path, name, err)
				continue
			}
			if m.Kind() != predict.Detector || m.Anomalies() != predict.High || m.NeedsLimit() || m.Features() != len(want.Rows[0]) {
				t.Errorf("%s, %s: %v, %v, %d features", path, name, m.Kind(), m.Anomalies(), m.Features())
			}
			const tolerance = 1e-12
			var r predict.Result
			if err := m.PredictTogether(&r, slices.Concat(want.Rows...)); err != nil {
				t.Errorf("%s, %s: %v", path, name, err)
				continue
			}
			for i := range want.Rows {
				if r.Predictions[i] != want.Predict[i] || !withinOf(r.Scores[i], want.Decision[i], tolerance) || !withinOf(r.Probabilities[2*i+1], want.Proba[i], tolerance) {
					t.Errorf("%s, %s, row %d: %v, %v, %v; want %v, %v, %v", path, name, i, r.Predictions[i], r.Scores[i], r.Probabilities[2*i+1], want.Predict[i], deref(want.Decision[i]), deref(want.Proba[i]))
				}
			}
			if err := m.Predict(&r, slices.Concat(want.Rows...)); err != nil {
				t.Errorf("%s, %s: %v", path, name, err)
			}
			for i := range want.Rows {
				if !withinOf(r.Scores[i], want.Alone[i], tolerance) {
					t.Errorf("%s, %s, row %d alone: %v, want %v", path, name, i, r.Scores[i], deref(want.Alone[i]))
				}
			}
			if err := consistent(m); err != nil {
				t.Errorf("%s, %s: %v", path, name, err)
			}
		}
	}
}

func deref(f *float64) float64 {
	if f == nil {
		return math.NaN()
	}
	return *f
}
