package sklearn_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// one returns a model's prediction and score of a single row.
func one(t *testing.T, m *sklearn.Model, row ...float64) (pred, score float64) {
	t.Helper()
	var r predict.Result
	if err := m.Predict(&r, row); err != nil {
		t.Fatal(err)
	}
	return r.Predictions[0], r.Scores[0]
}

// object returns the object in a file. Steps are positions in nested Pipelines.
func object(t *testing.T, opt pickle.Options, file []byte, steps ...int) *pickle.Object {
	t.Helper()
	v, err := pickle.Read(file, opt)
	if err != nil {
		t.Fatal(err)
	}
	o := v.(*pickle.Object)
	for _, i := range steps {
		list, _ := o.Attr("steps")
		o = list.(*pickle.List).Items[i].(*pickle.Tuple).Items[1].(*pickle.Object)
	}
	return o
}

// pipelineOf loads a Pipeline whose steps are these objects.
func pipelineOf(t *testing.T, objects func(opt pickle.Options) []*pickle.Object) error {
	t.Helper()
	_, err := sklearn.LoadValue(1<<20, nil, func(opt pickle.Options) (any, error) {
		list := new(pickle.List)
		for _, o := range objects(opt) {
			list.Items = append(list.Items, &pickle.Tuple{Items: []any{"s", o}})
		}
		return &pickle.Object{
			Class: pickle.Global{Module: "sklearn.pipeline", Name: "Pipeline"},
			State: &pickle.Dict{Entries: []pickle.Entry{{Key: "steps", Value: list}, {Key: "_sklearn_version", Value: "1.1.3"}}},
		}, nil
	})
	return err
}

// TestSteps checks that steps which do not fit together are refused with their names.
func TestSteps(t *testing.T) {
	t.Parallel()
	all := readGoldens(t, allModels)
	four, alone := all["t_standard"].File, all["ocsvm_all_vectors"].File
	err := pipelineOf(t, func(opt pickle.Options) []*pickle.Object {
		return []*pickle.Object{object(t, opt, four, 0), object(t, opt, alone)}
	})
	if err == nil || !strings.Contains(err.Error(), "OneClassSVM in step 's' takes 1 columns, but gets 4") {
		t.Errorf("4 columns into 1: %v", err)
	}
	err = pipelineOf(t, func(opt pickle.Options) []*pickle.Object {
		return []*pickle.Object{object(t, opt, alone), object(t, opt, alone)}
	})
	if err == nil || !strings.Contains(err.Error(), "OneClassSVM in step 's' is a detector, and not the last step") {
		t.Errorf("a detector in the middle: %v", err)
	}
	err = pipelineOf(t, func(opt pickle.Options) []*pickle.Object {
		many := make([]*pickle.Object, 1001)
		scaler := object(t, opt, four, 0)
		for i := range many {
			many[i] = scaler
		}
		return many
	})
	if !errors.Is(err, pickle.ErrLimit) {
		t.Errorf("1001 steps: %v", err)
	}
}

// TestRowOfError checks that an error names the row and the column.
func TestRowOfError(t *testing.T) {
	t.Parallel()
	m, err := sklearn.Load(readGoldens(t, allModels)["t_standard"].File)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, 4*5000)
	x[4*4321+2] = math.Inf(1)
	var r predict.Result
	if err := m.Predict(&r, x); err == nil || !strings.Contains(err.Error(), "row 4321, column 2: StandardScaler in step 't' does not accept +Inf") {
		t.Error(err)
	}
}

// TestVersions checks differences between versions that have no goldens.
func TestVersions(t *testing.T) {
	t.Parallel()
	newer := readGoldens(t, "../testdata/sklearn-1.5.2.json.gz")
	m, err := sklearn.Load(newer["iforest_auto"].File)
	if err != nil {
		t.Fatal(err)
	}
	var r predict.Result
	if err := m.Predict(&r, []float64{math.NaN(), 0, 0, 0}); err == nil {
		t.Error("IsolationForest of 1.5 takes NaN")
	}
	g := newer["imputer_constant_empty"]
	for version, keeps := range map[string]bool{"1.7.2": true, "1.8.0": false} {
		_, err := sklearn.LoadValue(len(g.File), nil, func(opt pickle.Options) (any, error) {
			v, err := pickle.Read(g.File, opt)
			replace(&v, []string{"0", "_sklearn_version"}, version)
			replace(&v, []string{"0", "statistics_"}, math.NaN())
			return v, err
		})
		if (err == nil) != keeps {
			t.Errorf("SimpleImputer of %s, constant NaN: %v", version, err)
		}
	}
	if _, err := loadWith(t, g.File, "0._sklearn_version", "2.0.0"); !errors.Is(err, sklearn.ErrUnsupported) {
		t.Errorf("a file of scikit-learn 2: %v", err)
	}
}

// TestVersionsOfTrees checks that values of leaves are divided by their sum before 1.4,
// and that HistGradientBoosting decides the class by the sums since 1.5. Two sums may
// differ where their probabilities are equal.
func TestVersionsOfTrees(t *testing.T) {
	t.Parallel()
	all := readEstimators(t, newestEstimators)
	at := func(name, version, path string, number any) *predict.Result {
		t.Helper()
		f := all[name]
		file := f.bytes(t)
		m, err := sklearn.LoadValue(len(file), nil, func(opt pickle.Options) (any, error) {
			v, err := pickle.Read(file, opt)
			if err == nil && (!replace(&v, []string{"_sklearn_version"}, version) || !replace(&v, strings.Split(path, "."), number)) {
				t.Errorf("%s has no %s", name, path)
			}
			if stages, ok := v.(*pickle.Object).Attr("_predictors"); ok {
				stages.(*pickle.List).Items = nil
			}
			return v, err
		})
		if err != nil {
			t.Fatal(name, version, err)
		}
		r := &predict.Result{}
		if err := m.Predict(r, floats(t, f.X[:1])); err != nil {
			t.Fatal(name, version, err)
		}
		return r
	}
	for version, want := range map[string]float64{"1.3.2": .5, "1.4.0": .25, "1.9.1": .25} {
		if r := at("tree_2", version, "tree_.values", .25); !slices.Equal(r.Probabilities, []float64{want, want}) {
			t.Errorf("a tree of %s gives %v, want %v", version, r.Probabilities, want)
		}
	}
	for version, want := range map[string]float64{"1.4.2": 0, "1.5.0": 1, "1.9.1": 1} {
		if r := at("hist_2", version, "_baseline_prediction", 1e-20); r.Predictions[0] != want || r.Probabilities[0] != .5 {
			t.Errorf("hist_2 of %s gives %v of %v, want %v", version, r.Predictions, r.Probabilities, want)
		}
	}
}

// TestMoreNeighboursThanRows checks that an imputer with more neighbours than fitted rows
// takes all rows, and no memory for the other neighbours.
func TestMoreNeighboursThanRows(t *testing.T) {
	t.Parallel()
	f := readEstimators(t, newestEstimators)["t_knn_imputer"]
	m, err := loadWith(t, f.bytes(t), "0.n_neighbors", int64(1<<50))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := results(m, floats(t, f.X)); err != nil {
		t.Error(err)
	}
}

// TestEdges compares transformers and detectors with scikit-learn where they divide by
// almost 0 or compare equal numbers.
func TestEdges(t *testing.T) {
	t.Parallel()
	all := readGoldens(t, allModels)
	load := func(name, path string, number any) *sklearn.Model {
		t.Helper()
		m, err := sklearn.Load(all[name].File)
		if path != "" {
			m, err = loadWith(t, all[name].File, path, number)
		}
		if err != nil {
			t.Fatal(name, err)
		}
		return m
	}
	// A norm below 10 ε counts as 1, so the row stays near 0.
	m := load("t_normalizer_l2", "", nil)
	_, none := one(t, m, 0, 0, 0, 0)
	if _, score := one(t, m, 1e-16, 1e-16, 0, 0); math.Abs(score-none) > 1e-12 {
		t.Errorf("a row of norm 1e-16 scores %v, one of zeros %v", score, none)
	}
	// A distance equal to the limit is normal.
	x := floats(t, all["elliptic"].X[:1])
	var samples [1]float64
	if err := load("elliptic", "", nil).ScoreSamples(samples[:], x); err != nil {
		t.Fatal(err)
	}
	if pred, score := one(t, load("elliptic", "offset_", samples[0]), x...); pred != 0 || score != 0 {
		t.Errorf("at the limit: %v, %v", pred, score)
	}
	// Box-cox takes no 0.
	var r predict.Result
	if err := load("t_power_box", "", nil).Predict(&r, []float64{1, 2, 0, 4}); err == nil || !strings.Contains(err.Error(), "row 0, column 2: ") {
		t.Errorf("box-cox of 0: %v", err)
	}
	// Squared distances that rounding makes negative count as 0.
	m = load("t_nystroem_rbf", "0.gamma", 1e300)
	var components []float64
	_, err := sklearn.LoadValue(1<<20, nil, func(opt pickle.Options) (any, error) {
		o := object(t, opt, all["t_nystroem_rbf"].File, 0)
		v, _ := o.Attr("components_")
		array, err := numpy.Parse(v)
		if err == nil {
			components, err = array.Floats(opt.Budget)
		}
		return o, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Predict(&r, components); err != nil {
		t.Errorf("the components themselves: %v", err)
	}
	// A component without variance is divided by epsilon, not by 0.
	newest := readGoldens(t, "../testdata/sklearn-1.9.1.json.gz")["t_pca_whiten"]
	whitened, err := loadWith(t, newest.File, "0.explained_variance_", 0.0)
	if err != nil {
		t.Fatal(err)
	}
	if err := whitened.Predict(&r, floats(t, newest.X)); err != nil {
		t.Errorf("no variance: %v", err)
	}
}
