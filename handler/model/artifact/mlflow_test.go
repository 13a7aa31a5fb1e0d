package artifact_test

import (
	"math"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// mlflowGolden is an MLflow folder, and what its model gives: predictions of a
// detector as 1 for an anomaly.
type mlflowGolden struct {
	bundle
	Predict []float64
	Scores  []float64
}

// TestMLflow holds that folders of several versions of MLflow, and zip files of
// them, predict what their models do in Python, and have the columns that they or
// their signatures name.
func TestMLflow(t *testing.T) {
	t.Parallel()
	all := readGoldens[mlflowGolden](t, "testdata/mlflow-*.json.gz")
	if len(all) < 28 {
		t.Fatalf("only %d folders", len(all))
	}
	for _, want := range all {
		for _, packed := range []bool{false, true} {
			m, err := want.load(t, packed)
			if want.Predict == nil {
				want.refuses(t, err)
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", want.Name, err)
				continue
			}
			if !slices.Equal(m.FeatureNames(), want.Names) {
				t.Errorf("%s: columns %q, want %q", want.Name, m.FeatureNames(), want.Names)
			}
			var said predict.Result
			if err := m.Predict(&said, slices.Concat(want.Rows...)); err != nil {
				t.Errorf("%s: %v", want.Name, err)
				continue
			}
			for i, w := range want.Predict {
				if math.Abs(said.Predictions[i]-w) > 1e-12 || want.Scores != nil && math.Abs(said.Scores[i]-want.Scores[i]) > 1e-12 {
					t.Errorf("%s, row %d: %v, %v; want %v, %v", want.Name, i, said.Predictions[i], said.Scores, w, want.Scores)
				}
			}
		}
	}
}

// TestBoosterInAFolder holds that what XGBoost and LightGBM write themselves, under
// any of the names that it is given, is the model of a folder, with its scaler.
func TestBoosterInAFolder(t *testing.T) {
	t.Parallel()
	var scaler []byte
	for _, b := range readGoldens[bundle](t, "testdata/bundles.json.gz") {
		if b.Name == "folder" {
			scaler = b.Files["scaler.pkl"]
		}
	}
	found := 0
	for _, m := range readGoldens[mlflowGolden](t, "testdata/mlflow-*.json.gz") {
		for kept, data := range m.Files {
			var names []string
			switch kept {
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
					t.Errorf("%s: %+v", b.Name, loaded.Describe())
				}
			}
		}
	}
	if found < 6 {
		t.Errorf("only %d files of boosters", found)
	}
}
