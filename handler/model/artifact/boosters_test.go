package artifact_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// TestBoosters holds what each version of XGBoost and LightGBM gave, to the bit, by
// files of all kinds: pickles of wrappers and Boosters, pipelines, and saved models.
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
				for name, g := range predicttest.ReadGoldens(t, path) {
					t.Run(name, func(t *testing.T) {
						m, err := artifact.Load(g.File, nil)
						if err != nil {
							t.Fatal(err)
						}
						g.Check(t, m, bits)
					})
				}
			})
		}
	}
}
