package xgboost_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// bare returns the Booster in a golden, and the options with which it predicted. It takes
// the Booster of a pickled wrapper. It reports false where the wrapper has data that the
// Booster lacks. Package artifact tests these.
func bare(t *testing.T, name string, g predicttest.Golden) (*xgboost.Booster, xgboost.Options, bool) {
	t.Helper()
	data, wrapped := g.File, false
	if strings.HasPrefix(string(data), "\x80") {
		v, err := pickle.Read(data, pickle.Options{Allow: func(pickle.Global) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		o := v.(*pickle.Object)
		if inner, ok := o.Attr("_Booster"); ok {
			o, wrapped = inner.(*pickle.Object), true
		}
		handle, ok := o.Attr("handle")
		if !ok {
			return nil, xgboost.Options{}, false // a Pipeline
		}
		data = handle.([]byte)
	}
	b, err := xgboost.Read(data, pickle.NewBudget(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	o := b.Saved()
	if wrapped {
		if b.Version < xgboost.InplaceSince && strings.HasPrefix(name, "early") {
			return nil, o, false // only the wrapper has best_ntree_limit
		}
		o.Inplace = b.Version >= xgboost.InplaceSince
		if o.Inplace && b.Kind != "gblinear" {
			o.Iterations = b.BestIteration()
		}
		o.Classes = g.Classes
		if name == "missing" {
			o.Missing = -999
		}
	}
	if b.FeatureNames == nil && g.Names != nil {
		return nil, o, false // only the pickled Booster has the names
	}
	return b, o, true
}

// TestGoldens compares predictions with those of each version of XGBoost, to the bit.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for version, models := range map[string]int{"0.90": 23, "1.0.2": 33, "1.3.3": 36, "1.5.2": 42, "1.7.6": 52, "2.1.4": 48, "3.4.1": 48} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			checked := 0
			for name, g := range predicttest.ReadGoldens(t, filepath.Join("testdata", "xgboost-"+version+".json.gz")) {
				b, o, ok := bare(t, name, g)
				if !ok {
					continue
				}
				checked++
				t.Run(name, func(t *testing.T) {
					m, err := b.Model(o)
					if err != nil {
						t.Fatal(err)
					}
					g.Check(t, m, 32)
				})
			}
			if checked < models {
				t.Errorf("%d models were compared, want at least %d", checked, models)
			}
		})
	}
}

// TestSaved checks the options in the attribute scikit_learn, which the wrapper's save_model
// writes. It has the classes, the value that counts as missing and, up to 1.3, the best
// number of trees. Where the attribute is malformed, the wrapper's defaults remain.
func TestSaved(t *testing.T) {
	t.Parallel()
	binary := strings.Replace(learner, "reg:squarederror", "binary:logistic", 1)
	for _, c := range []struct {
		name, version, attributes string
		classes                   []string
		missing                   float32 // 0 for NaN
		iterations                int
		inplace                   bool
	}{
		{name: "without the attribute", version: "2,1", attributes: `{"best_iteration":"3"}`},
		{name: "empty", version: "2,1", attributes: `{"scikit_learn":"{}"}`, inplace: true},
		{name: "from 1.4 on", version: "1,4", attributes: `{"scikit_learn":"{\"best_ntree_limit\": 5}","best_iteration":"3"}`, iterations: 4, inplace: true},
		{name: "up to 1.3", version: "1,3", attributes: `{"scikit_learn":"{\"best_ntree_limit\": 5}","best_iteration":"3"}`, iterations: 5},
		{name: "classes", version: "1,3", attributes: `{"scikit_learn":"{\"classes_\": [\"a\", 2], \"missing\": -1.5}"}`, classes: []string{"a", "2"}, missing: -1.5},
		{name: "too many classes", version: "1,3", attributes: `{"scikit_learn":"{\"classes_\": [0, 1, 2]}"}`},
		{name: "null", version: "1,3", attributes: `{"scikit_learn":"{\"missing\": null, \"best_ntree_limit\": null, \"other\": {}, \"classes_\": [0, 1]}"}`, classes: []string{"0", "1"}},
		{name: "malformed", version: "1,3", attributes: `{"scikit_learn":"{\"missing\": 2, \"classes_\": [0, }"}`, missing: 2},
	} {
		data := strings.Replace(strings.Replace(binary, `"version":[2,1,0]`, `"version":[`+c.version+`]`, 1), `"attributes":{}`, `"attributes":`+c.attributes, 1)
		b, err := xgboost.Read([]byte(data), pickle.NewBudget(len(data)))
		if err != nil {
			t.Fatal(c.name, err)
		}
		o := b.Saved()
		if missing := o.Missing == c.missing || c.missing == 0 && math.IsNaN(float64(o.Missing)); !missing || !slices.Equal(o.Classes, c.classes) || o.Iterations != c.iterations || o.Inplace != c.inplace {
			t.Errorf("%s: got %+v, want %+v", c.name, o, c)
		}
	}
}

// TestDropouts checks the rounding of dart. From 1.4 to 3.2 inplace_predict adds each tree to
// the base_score and subtracts the base_score again. With a base_score of 1e8, a tree of 3
// is rounded to 0.
func TestDropouts(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]float64{"1,3": 100_000_032, "1,4": 100_000_000, "3,2": 100_000_000, "3,3": 100_000_032} {
		data := strings.NewReplacer(`"version":[2,1,0]`, `"version":[`+version+`]`, `"name":"gbtree"`, `"name":"dart","weight_drop":[10]`, `-1E0,2E0`, `3,3`, `"5E-1"`, `"1E8"`).Replace(learner)
		b, err := xgboost.Read([]byte(data), pickle.NewBudget(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, inplace := range []bool{false, true} {
			m, err := b.Model(xgboost.Options{Inplace: inplace})
			if err != nil {
				t.Fatal(err)
			}
			var r predict.Result
			if err := m.Predict(&r, []float64{0, 0}); err != nil || inplace && r.Predictions[0] != want || !inplace && r.Predictions[0] != 100_000_032 {
				t.Errorf("version %s, in place %v: got %v, %v; want %v in place, and 100000032 otherwise", version, inplace, r.Predictions, err, want)
			}
		}
	}
}

// TestInfinite checks which models accept infinite numbers. From 1.4 on a DMatrix refuses
// them, unless infinity counts as missing. inplace_predict accepts them.
func TestInfinite(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		version string
		missing float32
		inplace bool
		want    bool
	}{{"1,3", nan, false, false}, {"1,4", nan, false, true}, {"1,4", nan, true, false}, {"1,4", inf, false, false}} {
		data := changed(`"version":[2,1,0]`, `"version":[`+c.version+`]`)
		b, err := xgboost.Read([]byte(data), pickle.NewBudget(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.Model(xgboost.Options{Missing: c.missing, Inplace: c.inplace})
		if err != nil {
			t.Fatal(err)
		}
		if m.Finite() != c.want {
			t.Errorf("%+v: Finite() = %v", c, m.Finite())
		}
	}
}

// TestDescribed checks what a model says of itself, and that half a row and a wrong number of
// classes are refused.
func TestDescribed(t *testing.T) {
	t.Parallel()
	b, err := xgboost.Read([]byte(learner), pickle.NewBudget(0))
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Model(b.Saved())
	if err != nil {
		t.Fatal(err)
	}
	if b.Trees() != 1 || m.Trees() != 1 || m.Features() != 2 || m.Kind() != predict.Regressor || m.Classes() != nil || m.Size() < 512 {
		t.Errorf("got %d of %d trees, %d features, a %v of %q and %d bytes", m.Trees(), b.Trees(), m.Features(), m.Kind(), m.Classes(), m.Size())
	}
	if err := m.Predict(new(predict.Result), make([]float64, 3)); err == nil || err.Error() != "predict: 3 numbers are no rows of 2 features" {
		t.Errorf("half a row: got %v", err)
	}
	if err := m.Predict(new(predict.Result), nil); err != nil {
		t.Error("no rows:", err)
	}
	if _, err := b.Model(xgboost.Options{Classes: []string{"a"}}); err != nil {
		t.Error("a regressor's classes:", err)
	}
	data := changed("reg:squarederror", "binary:logistic")
	if b, err = xgboost.Read([]byte(data), pickle.NewBudget(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Model(xgboost.Options{Classes: []string{"a"}}); err == nil || !strings.Contains(err.Error(), "1 names for 2 classes") {
		t.Errorf("one name: got %v", err)
	}
}
