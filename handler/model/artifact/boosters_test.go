package artifact_test

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// boosterGolden is what golden.py in the testdata of package xgboost or lightgbm wrote
// about a model: numbers row by row.
type boosterGolden struct {
	File          []byte
	X             string
	Predict       string
	Margin        string // or raw score
	Probabilities string
	Classes       []string
	Names         []string
}

func numbers(t testing.TB, text string, bits int) (v []float64) {
	t.Helper()
	for s := range strings.FieldsSeq(text) {
		f, err := strconv.ParseFloat(s, bits)
		if err != nil {
			t.Fatal(err)
		}
		v = append(v, f)
	}
	return v
}

// readBoosters returns the models of a version.
func readBoosters(t testing.TB, path string) map[string]boosterGolden {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Models map[string]boosterGolden }
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.Models
}

// TestBoosters holds what each version of XGBoost and LightGBM gave, to the bit.
func TestBoosters(t *testing.T) {
	t.Parallel()
	for library, versions := range map[string]int{"xgboost": 7, "lightgbm": 6} {
		paths, err := filepath.Glob("../" + library + "/testdata/" + library + "-*.json.gz")
		if err != nil || len(paths) < versions {
			t.Fatal("goldens are missing", paths, err)
		}
		for _, path := range paths {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".json.gz"), func(t *testing.T) {
				t.Parallel()
				bits := 64
				if library == "xgboost" {
					bits = 32
				}
				for name, g := range readBoosters(t, path) {
					t.Run(name, func(t *testing.T) { g.check(t, bits) })
				}
			})
		}
	}
}

func (g boosterGolden) check(t *testing.T, bits int) {
	m, err := artifact.Load(g.File, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := numbers(t, g.X, 64)
	r := predicttest.Rows(t, m, x)
	// A Booster's predict gives probabilities of a classifier.
	got := r.Predictions
	if n := len(x) / m.Features(); g.Classes == nil && m.Kind() == predict.Classifier {
		if len(r.Probabilities) == 2*n {
			got = nil
			for i := range n {
				got = append(got, r.Probabilities[2*i+1])
			}
		} else if len(r.Probabilities) > 0 {
			got = r.Probabilities
		}
	}
	same(t, "prediction", got, g.Predict, bits)
	if g.Probabilities != "" {
		same(t, "probability", r.Probabilities, g.Probabilities, bits)
	}
	if g.Margin != "" && m.Kind() == predict.Classifier {
		same(t, "margin", r.Scores, g.Margin, bits)
	}
	if g.Classes != nil && !slices.Equal(m.Classes(), g.Classes) {
		t.Errorf("the classes are %v, want %v", m.Classes(), g.Classes)
	}
	if g.Names != nil && !slices.Equal(m.FeatureNames(), g.Names) {
		t.Errorf("the features are %q, want %q", m.FeatureNames(), g.Names)
	}
}

func same(t *testing.T, what string, got []float64, text string, bits int) {
	t.Helper()
	want := numbers(t, text, bits)
	if len(got) != len(want) {
		t.Fatalf("%d of %s, want %d", len(got), what, len(want))
	}
	for i, w := range want {
		if math.Float64bits(got[i]) != math.Float64bits(w) {
			t.Fatalf("%s %d is %v, want %v", what, i, got[i], w)
		}
	}
}
