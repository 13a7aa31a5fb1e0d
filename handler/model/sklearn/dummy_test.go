package sklearn_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// TestDummyWidth checks from what DummyClassifier gets its number of columns, which is not
// in it, and that it is refused where nothing says the number.
func TestDummyWidth(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../testdata/dummies.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases map[string]struct {
			File    []byte
			Columns int
			Words   []string
		}
		Probabilities []float64
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for name, c := range all.Cases {
		t.Run(name, func(t *testing.T) {
			m, err := sklearn.Load(c.File)
			if len(c.Words) > 0 {
				if err == nil {
					t.Fatal("it is loaded")
				}
				for _, words := range c.Words {
					if !strings.Contains(err.Error(), words) {
						t.Errorf("%v\ndoes not say: %s", err, words)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var r predict.Result
			if err := m.Predict(&r, make([]float64, c.Columns)); err != nil {
				t.Fatal(err)
			}
			if m.Features() != c.Columns || !slices.Equal(r.Probabilities, all.Probabilities) {
				t.Errorf("%d columns and probabilities %v, scikit-learn has %d and %v", m.Features(), r.Probabilities, c.Columns, all.Probabilities)
			}
		})
	}
}
