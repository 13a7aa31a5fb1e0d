package sklearn_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// golden is a model that testdata/golden.py or versions.py wrote, with its results.
type golden struct {
	File  []byte
	Names []string
	expected
}

// readJSON reads compressed testdata.
func readJSON(t testing.TB, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		data, err = joblib.Decompress(data)
	}
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(path, err)
	}
}

// readModels reads the goldens of a file, by the names of the models.
func readModels[M any](t testing.TB, path string) map[string]M {
	t.Helper()
	var all struct{ Models map[string]M }
	readJSON(t, path, &all)
	return all.Models
}

func readGoldens(t testing.TB, path string) map[string]golden { return readModels[golden](t, path) }

// allModels has all models of the goldens of this form.
const allModels = "../testdata/sklearn-1.1.3.json.gz"

func goldenFiles(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("../testdata/sklearn-*.json.gz")
	if err != nil || len(paths) == 0 {
		t.Fatal("no goldens", err)
	}
	return paths
}

// sameBits matches the goldens whose decision values are scikit-learn's to the bit: a
// OneClassSVM with the RBF kernel, if it has one feature or BLAS adds in order.
var sameBits = regexp.MustCompile(`^ocsvm_(rbf|rbf_d1|one_vector)$`)

// TestGoldens compares each estimator and transformer with the results of several versions
// of scikit-learn.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json.gz"), func(t *testing.T) {
			t.Parallel()
			for name, g := range readGoldens(t, path) {
				t.Run(name, func(t *testing.T) {
					g.check(t, g.File, sameBits.MatchString(name))
					m, err := sklearn.Load(g.File)
					if err != nil {
						t.Fatal(err)
					}
					if d := m.Describe(); !slices.Equal(d.FeatureNames, g.Names) || d.Features != len(g.X[0]) {
						t.Errorf("described with features %d %v", d.Features, d.FeatureNames)
					}
				})
			}
		})
	}
}

// TestRowsAlone checks that a row has the same score alone as among others.
func TestRowsAlone(t *testing.T) {
	t.Parallel()
	for name, g := range readGoldens(t, allModels) {
		m, err := sklearn.Load(g.File)
		if err != nil {
			t.Fatal(name, err)
		}
		x := floats(t, g.X)
		var all, one predict.Result
		if err := m.Predict(&all, x); err != nil {
			t.Fatal(name, err)
		}
		d := m.Features()
		for i, score := range all.Scores {
			if err := m.Predict(&one, x[i*d:(i+1)*d]); err != nil {
				t.Fatal(name, err)
			}
			if one.Predictions[0] != all.Predictions[i] || math.Float64bits(one.Scores[0]) != math.Float64bits(score) {
				t.Errorf("%s: row %d alone gives %v, among others %v", name, i, one.Scores[0], score)
			}
		}
		if err := m.Predict(&one, nil); err != nil {
			t.Errorf("%s: no rows: %v", name, err)
		}
	}
}
