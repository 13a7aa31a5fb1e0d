package artifact_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// TestBoosters compares every prediction with what each version of XGBoost and LightGBM
// gave, to the bit. The files are pickles of wrappers, Boosters and pipelines, and
// models saved by the libraries themselves.
func TestBoosters(t *testing.T) {
	t.Parallel()
	for library, versions := range map[string]int{"xgboost": 7, "lightgbm": 6} {
		paths, err := filepath.Glob("../" + library + "/testdata/" + library + "-*.json.gz")
		if err != nil || len(paths) < versions {
			t.Fatalf("%d goldens of %s, want at least %d (%v)", len(paths), library, versions, err)
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
