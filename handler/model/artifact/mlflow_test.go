package artifact_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// mlflowGolden is an MLflow folder, and what its model predicts in Python. A detector
// predicts 1 for an anomaly.
type mlflowGolden struct {
	bundle
	Predict []float64
	Scores  []float64 // nil if the model has none
}

// TestMLflow compares the columns and predictions of folders that several versions of
// MLflow wrote with those in Python.
func TestMLflow(t *testing.T) {
	t.Parallel()
	all := readGoldens[mlflowGolden](t, "testdata/mlflow-*.json.gz")
	if len(all) < 28 {
		t.Fatalf("%d folders, want at least 28", len(all))
	}
	for _, want := range all {
		want.check(t, want.Predict, want.Scores)
	}
}

// TestBoosterInAFolder checks that a model which XGBoost or LightGBM saved is found in a
// folder beside its scaler, under each of its usual names.
func TestBoosterInAFolder(t *testing.T) {
	t.Parallel()
	scaler := readBundle(t, "folder").Files["scaler.pkl"]
	found := 0
	for _, m := range readGoldens[mlflowGolden](t, "testdata/mlflow-*.json.gz") {
		for original, data := range m.Files {
			var names []string
			switch original {
			case "model.json":
				names = []string{"model.json", "model"}
			case "model.ubj", "model.xgb":
				names = []string{"model.ubj", "model.xgb", "model.model"}
			case "model.lgb":
				names = []string{"model.txt", "model.lgb"}
			}
			for _, name := range names {
				found++
				b := &bundle{golden: golden{Name: m.Name + " as " + name}, Files: map[string][]byte{name: data, "scaler.pkl": scaler}}
				loaded, err := b.load(t, false)
				if err != nil {
					t.Errorf("%s: %v", b.Name, err)
					continue
				}
				if loaded.Kind() != predict.Regressor || loaded.Features() != 2 || len(loaded.Describe().Estimator.Steps) != 2 {
					t.Errorf("%s: got %+v, want a regressor of two columns and two steps", b.Name, loaded.Describe())
				}
			}
		}
	}
	if found < 6 {
		t.Errorf("%d files of boosters, want at least 6", found)
	}
}
