package predicttest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Golden is a model that golden.py in the testdata of package xgboost or lightgbm wrote,
// with rows and what the library gave for them. Numbers are separated by blanks, row by
// row.
type Golden struct {
	File          []byte
	X             string
	Predict       string
	Margin        string // or raw score
	Probabilities string
	Classes       []string
	Names         []string
}

// ReadGoldens returns the models of a version of a library.
func ReadGoldens(t testing.TB, path string) map[string]Golden {
	t.Helper()
	type version struct{ Models map[string]Golden }
	return goldenfile.Read[version](t, path).Models
}

// Check checks that m gives what the library gave, to the bit. bits is the size of the
// library's numbers, 32 or 64.
func (g Golden) Check(t *testing.T, m predict.Model, bits int) {
	t.Helper()
	x := numbers(t, g.X, 64)
	r := Rows(t, m, x)
	// A Booster's predict gives a classifier's probabilities instead of classes.
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
		t.Errorf("got classes %v, want %v", m.Classes(), g.Classes)
	}
	if g.Names != nil && !slices.Equal(m.FeatureNames(), g.Names) {
		t.Errorf("got features %q, want %q", m.FeatureNames(), g.Names)
	}
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

func same(t *testing.T, what string, got []float64, text string, bits int) {
	t.Helper()
	want := numbers(t, text, bits)
	if len(got) != len(want) {
		t.Fatalf("got %d numbers as %s, want %d", len(got), what, len(want))
	}
	for i, w := range want {
		if math.Float64bits(got[i]) != math.Float64bits(w) {
			t.Fatalf("%s %d is %v, want %v", what, i, got[i], w)
		}
	}
}
