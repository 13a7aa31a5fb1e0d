package artifact_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// TestBundles holds that a transformer and a model in one dict, tuple or list
// give together what they give in Python, and that those in doubt are refused.
func TestBundles(t *testing.T) {
	t.Parallel()
	for _, want := range readGoldens(t, "testdata/bundles.json.gz") {
		m, err := artifact.Load(want.File)
		if want.Decision == nil {
			if err == nil || !strings.Contains(err.Error(), "write one Pipeline of them") {
				t.Errorf("%s: %v; want a refusal", want.Name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", want.Name, err)
			continue
		}
		var said predict.Result
		if err := m.Predict(&said, slices.Concat(want.Rows...)); err != nil {
			t.Errorf("%s: %v", want.Name, err)
			continue
		}
		for i, s := range said.Scores {
			if math.Abs(s-want.Decision[i]) > 1e-12 {
				t.Errorf("%s, row %d: %v, want %v", want.Name, i, s, want.Decision[i])
			}
		}
	}
}
