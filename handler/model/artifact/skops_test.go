package artifact_test

import (
	"math"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// golden is a model file and what scikit-learn gives for the rows.
type golden struct {
	Name     string
	Skops    string // its version
	File     []byte
	Rows     [][]float64
	Predict  []int
	Decision []float64 `json:"decision_function"`
}

func readSkops(t testing.TB) (all []golden) {
	t.Helper()
	return readGoldens[golden](t, "testdata/skops_*.json.gz")
}

// readGoldens reads the goldens in all files that match the pattern.
func readGoldens[G any](t testing.TB, pattern string) []G {
	t.Helper()
	return slices.Concat(goldenfile.ReadAll[[]G](t, pattern, 1)...)
}

// TestSkops compares the predictions of models that several versions of skops wrote
// with those of scikit-learn.
func TestSkops(t *testing.T) {
	t.Parallel()
	for _, want := range readSkops(t) {
		m, err := artifact.Load(want.File, nil)
		if err != nil {
			t.Errorf("%s of skops %s: %v", want.Name, want.Skops, err)
			continue
		}
		n := len(want.Rows)
		var said predict.Result
		if err := m.Predict(&said, slices.Concat(want.Rows...)); err != nil {
			t.Errorf("%s of skops %s: %v", want.Name, want.Skops, err)
			continue
		}
		for i := range n {
			if (want.Predict[i] == -1) != (said.Predictions[i] == 1) || math.Abs(said.Scores[i]-want.Decision[i]) > 1e-12*max(1, math.Abs(want.Decision[i])) {
				t.Errorf("%s of skops %s, row %d: %v, %v; want %d, %v", want.Name, want.Skops, i, said.Predictions[i], said.Scores[i], want.Predict[i], want.Decision[i])
			}
		}
	}
}
