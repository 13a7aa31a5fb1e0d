package lightgbm_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/lightgbm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// bare returns the Booster in a golden, and the options with which it predicted. It takes
// the Booster of a pickled wrapper. It reports false for a Pipeline, which package artifact
// tests.
func bare(t *testing.T, g predicttest.Golden) (*lightgbm.Booster, lightgbm.Options, bool) {
	t.Helper()
	data, o := g.File, lightgbm.Options{}
	if !lightgbm.Sniff(data) {
		v, err := pickle.Read(data, pickle.Options{Allow: func(pickle.Global) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		object := v.(*pickle.Object)
		if inner, ok := object.Attr("_Booster"); ok {
			object, o.Classes = inner.(*pickle.Object), g.Classes
		}
		handle, ok := object.Attr("_handle")
		if !ok {
			handle, ok = object.Attr("handle")
		}
		text, isText := handle.(string)
		switch {
		case !ok:
			return nil, o, false
		case isText:
			data = []byte(text)
		default:
			data = handle.([]byte)
		}
		if best, _ := object.Attr("best_iteration"); best != nil {
			if o.Iterations, err = numpy.Int(best); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := lightgbm.Read(data, pickle.NewBudget(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return b, o, true
}

// TestGoldens compares predictions with those of each version of LightGBM, to the bit.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.3.1", "3.1.1", "3.3.5", "4.0.0", "4.3.0", "4.7.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			checked := 0
			for name, g := range predicttest.ReadGoldens(t, filepath.Join("testdata", "lightgbm-"+version+".json.gz")) {
				b, o, ok := bare(t, g)
				if !ok {
					continue
				}
				checked++
				t.Run(name, func(t *testing.T) {
					m, err := b.Model(o)
					if err != nil {
						t.Fatal(err)
					}
					g.Check(t, m, 64)
				})
			}
			if checked < 39 {
				t.Errorf("%d models were compared, want at least 39", checked)
			}
		})
	}
}

// read reads a model.
func read(t *testing.T, data string) *lightgbm.Booster {
	t.Helper()
	b, err := lightgbm.Read([]byte(data), pickle.NewBudget(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSmall checks predictions of the small model that were worked out by hand. The first
// split is by a number, and takes NaN for 0. The second is by the categories 0 and 2.
func TestSmall(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	rows := []float64{0.5, 0, 0.5, 2, 0.5, 1, 0.5, nan, 0.5, 32, math.Nextafter(0.5, 1), 0, 1e-36, 2, nan, 2, 7, nan}
	want := []float64{0.1, 0.1, 0.3, 0.3, 0.3, 0.2, 0.1, 0.1, 0.2}
	m, err := read(t, changed("binary sigmoid:1", "regression")).Model(lightgbm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	given := slices.Clone(rows)
	var r predict.Result
	if err := m.Predict(&r, rows); err != nil || !slices.Equal(r.Predictions, want) || len(r.Probabilities) != 0 || len(r.Scores) != 0 {
		t.Errorf("got %+v, %v; want %v", r, err, want)
	}
	for i, v := range given {
		if math.Float64bits(rows[i]) != math.Float64bits(v) {
			t.Errorf("Predict changed number %d of its argument to %v", i, rows[i])
		}
	}
	if m.Kind() != predict.Regressor || m.Classes() != nil || m.Features() != 2 || m.Trees() != 1 || !slices.Equal(m.FeatureNames(), []string{"a", "b"}) || m.Size() < 512+5*16 {
		t.Errorf("got a %v of %q with %d features %q, %d trees and %d bytes", m.Kind(), m.Classes(), m.Features(), m.FeatureNames(), m.Trees(), m.Size())
	}
	if err := m.Predict(&r, rows[:3]); err == nil || err.Error() != "predict: 3 numbers are no rows of 2 features" {
		t.Errorf("half a row: got %v", err)
	}
	if err := m.Predict(&r, nil); err != nil || len(r.Predictions) != 0 {
		t.Errorf("no rows: got %v, %v", r.Predictions, err)
	}
}

// TestObjectives checks how each objective turns the sum of a row into predictions. An
// objective may have parameters after its name.
func TestObjectives(t *testing.T) {
	t.Parallel()
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for objective, want := range map[string]float64{
		"regression": 0.1, "regression sqrt": 0.010000000000000002, "regression_l1": 0.1, "quantile alpha:0.5": 0.1, "huber": 0.1, "huber sqrt": 0.1,
		"poisson": math.Exp(0.1), "tweedie tweedie_variance_power:1.5": math.Exp(0.1), "cross_entropy": sigmoid(0.1), "xentropy sigmoid:3": sigmoid(0.1), "custom": 0.1, "none": 0.1, "": 0.1,
		"lambdarank sigmoid:3": 0.1,
	} {
		b := read(t, changed("binary sigmoid:1", objective))
		m, err := b.Model(lightgbm.Options{})
		if err != nil {
			t.Fatal(objective, err)
		}
		var r predict.Result
		if err := m.Predict(&r, []float64{0, 0}); err != nil || math.Abs(r.Predictions[0]-want) > 1e-15 || m.Kind() != predict.Regressor {
			t.Errorf("%s: got %v, %v; want %v", objective, r.Predictions, err, want)
		}
		if name, _, _ := strings.Cut(objective, " "); name != "" && name != "none" && b.Objective() != name || (b.Predicts() == lightgbm.Raw) != (name == "" || name == "custom" || name == "none") {
			t.Errorf("%s: got objective %s, which predicts %v", objective, b.Objective(), b.Predicts())
		}
	}
	for slope, want := range map[string]float64{"1": sigmoid(0.1), "0.7": sigmoid(0.07), "2.50": sigmoid(0.25), "1e1": sigmoid(1), "1e-1": sigmoid(0.01)} {
		m, err := read(t, changed("sigmoid:1", "sigmoid:"+slope)).Model(lightgbm.Options{})
		if err != nil {
			t.Fatal(slope, err)
		}
		var r predict.Result
		if err := m.Predict(&r, []float64{0, 0}); err != nil || math.Abs(r.Probabilities[1]-want) > 1e-15 || r.Probabilities[0] != 1-r.Probabilities[1] || r.Scores[0] != 0.1 || r.Predictions[0] != 1 {
			t.Errorf("sigmoid:%s: got %+v, %v; want %v", slope, r, err, want)
		}
	}
	for _, slope := range []string{"0", "inf", "nan", "1e300", "x", "", "-0.5"} {
		if err := load([]byte(changed("sigmoid:1", "sigmoid:"+slope))); err == nil || !strings.Contains(err.Error(), "is not above 0") {
			t.Errorf("sigmoid:%s: got %v, want an error", slope, err)
		}
	}
}

// TestSigns checks that with sqrt the sum of a row is squared and keeps its sign.
func TestSigns(t *testing.T) {
	t.Parallel()
	m, err := read(t, strings.Replace(changed("binary sigmoid:1", "regression sqrt"), "0.1 0.2 0.3", "-3 0 2", 1)).Model(lightgbm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r predict.Result
	if err := m.Predict(&r, []float64{0, 0, 1, 0, 0, 1}); err != nil || !slices.Equal(r.Predictions, []float64{-9, 0, 4}) || math.Signbit(r.Predictions[1]) {
		t.Errorf("got %v, %v; want -9, 0, 4", r.Predictions, err)
	}
}

// TestIterations checks how many trees are used. An iteration has a tree for each output.
// boosting='rf' gives the mean of the trees that are used.
func TestIterations(t *testing.T) {
	t.Parallel()
	leaf := func(value string) string { return "Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=" + value + "\n\n" }
	first := small[:strings.Index(small, "Tree=0")]
	one := strings.Replace(first, "objective=binary sigmoid:1", "objective=regression\naverage_output", 1) + leaf("1") + leaf("2") + leaf("6")
	several := strings.NewReplacer("objective=binary sigmoid:1", "objective=multiclassova num_class:2 sigmoid:1", "num_class=1", "num_class=2", "iteration=1", "iteration=2").Replace(first) +
		leaf("1") + leaf("2") + leaf("5") + leaf("-7")
	for _, c := range []struct {
		text             string
		iterations       int
		want, trees      float64
		secondOfTwo, sum float64
	}{
		{one, 0, 3, 3, 0, 0}, {one, 1, 1, 1, 0, 0}, {one, 2, 1.5, 2, 0, 0}, {one, 3, 3, 3, 0, 0}, {one, 9, 3, 3, 0, 0}, {one, -1, 3, 3, 0, 0},
		{several, 0, 0, 4, -5, 6}, {several, 1, 1, 2, 2, 1}, {several, 2, 0, 4, -5, 6}, {several, 5, 0, 4, -5, 6},
	} {
		m, err := read(t, c.text).Model(lightgbm.Options{Iterations: c.iterations})
		if err != nil {
			t.Fatal(err)
		}
		var r predict.Result
		if err := m.Predict(&r, []float64{0, 0}); err != nil || r.Predictions[0] != c.want || float64(m.Trees()) != c.trees || len(r.Scores) == 2 && (r.Scores[0] != c.sum || r.Scores[1] != c.secondOfTwo) {
			t.Errorf("%d iterations: got %+v of %d trees, %v; want %v", c.iterations, r, m.Trees(), err, c.want)
		}
	}
	if _, err := read(t, strings.Replace(several, "multiclassova num_class:2 sigmoid:1", "custom", 1)).Model(lightgbm.Options{}); err == nil || !strings.Contains(err.Error(), "with several outputs is not supported: fit with multiclass") {
		t.Errorf("a custom objective with several outputs: got %v", err)
	}
	for n, want := range map[int]string{1: "1 names for 2 classes", 3: "3 names for 2 classes"} {
		if _, err := read(t, several).Model(lightgbm.Options{Classes: make([]string, n)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d names: got %v, want %s", n, err, want)
		}
	}
	if m, err := read(t, small).Model(lightgbm.Options{Classes: []string{"off", "on"}}); err != nil || !slices.Equal(m.Classes(), []string{"off", "on"}) {
		t.Errorf("two names: got %v", err)
	}
}

// TestTies checks that of classes with the same probability the first is predicted.
func TestTies(t *testing.T) {
	t.Parallel()
	m, err := read(t, changed("0.1 0.2 0.3", "0 -1 1")).Model(lightgbm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r predict.Result
	if err := m.Predict(&r, []float64{0, 0, 1, 0, 0, 1}); err != nil || !slices.Equal(r.Predictions, []float64{0, 0, 1}) {
		t.Errorf("got %+v, %v; want 0, 0, 1", r, err)
	}
}

// TestPandas checks that the categories of a DataFrame are numbered by their positions, and
// that other values count as missing. The columns with categories are those that
// categorical_feature names, or those whose feature_infos are lists.
func TestPandas(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"named":        strings.Replace(changed("pandas_categorical:[]", "pandas_categorical:[[30,10,20]]"), "binary sigmoid:1", "regression", 1),
		"listed":       strings.NewReplacer("pandas_categorical:[]", "pandas_categorical:[[30,10,20]]", "binary sigmoid:1", "regression", "[categorical_feature: 1]\n", "").Replace(small),
		"named twice":  strings.NewReplacer("pandas_categorical:[]", "pandas_categorical:[[5],[30,10,20]]", "binary sigmoid:1", "regression", "feature: 1]", "feature: 0,1]").Replace(small),
		"without them": strings.NewReplacer("pandas_categorical:[]", "pandas_categorical:null", "binary sigmoid:1", "regression").Replace(small),
	} {
		m, err := read(t, text).Model(lightgbm.Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		x, want := []float64{0, 30, 0, 20, 0, 10, 0, 0, 0, math.NaN()}, []float64{0.1, 0.1, 0.3, 0.3, 0.3}
		if name == "without them" {
			x = []float64{0, 0, 0, 2, 0, 1, 0, 3, 0, math.NaN()}
		}
		var r predict.Result
		if err := m.Predict(&r, x); err != nil || !slices.Equal(r.Predictions, want) {
			t.Errorf("%s: got %v, %v; want %v", name, r.Predictions, err, want)
		}
	}
}

// TestSniff checks that a model is recognized by its first line, tree, and by num_class in
// its first kilobyte.
func TestSniff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		small: true, "tree\r\nnum_class=1\r\n": true, "tree\nnum_class=": true, "tree\n" + strings.Repeat("x", 1014) + "num_class=": true, "tree\n" + strings.Repeat("x", 1015) + "num_class=": false,
		"": false, "tree": false, "trees\nnum_class=1": false, "num_class=1": false,
	} {
		if got := lightgbm.Sniff([]byte(text)); got != want {
			t.Errorf("Sniff(%.40q) = %v, want %v", text, got, want)
		}
	}
}

// TestHeaders checks numbers at their limits, and members that old files lack.
func TestHeaders(t *testing.T) {
	t.Parallel()
	regression := changed("binary sigmoid:1", "regression")
	for _, c := range []struct{ name, text, want string }{
		{"2.1 has no end", regression[:strings.Index(regression, "end of trees")], ""},
		{"importances follow", strings.Replace(regression, "end of trees", "feature importances:", 1), ""},
		{"another spelling", strings.Replace(regression, "end of trees", "feature_importances:", 1), ""},
		{"num_class alone", strings.Replace(regression, "num_tree_per_iteration=1\n", "", 1), ""},
		{"neither number of outputs", strings.NewReplacer("num_tree_per_iteration=1\n", "", "num_class=1\n", "").Replace(regression), "it has no num_class"},
		{"trees before classes", strings.NewReplacer("num_tree_per_iteration=1\n", "", "num_class=1\n", "num_tree_per_iteration=1\nnum_class=9\n").Replace(regression), ""},
		{"no features", strings.Replace(regression, "max_feature_idx=1\n", "", 1), "it has no max_feature_idx"},
		{"negative features", strings.Replace(regression, "max_feature_idx=1", "max_feature_idx=-1", 1), `max_feature_idx: it is malformed: "-1" is no integer from 0 to 1048575`},
		{"too many features", strings.Replace(regression, "max_feature_idx=1", "max_feature_idx=1048576", 1), "is no integer from 0 to 1048575"},
		{"most features", strings.Replace(regression, "max_feature_idx=1", "max_feature_idx=1048575", 1), "limit exceeded"},
		{"no output", strings.Replace(regression, "num_tree_per_iteration=1", "num_tree_per_iteration=0", 1), `"0" is no integer from 1 to 16384`},
		{"most outputs", strings.Replace(regression, "num_tree_per_iteration=1", "num_tree_per_iteration=16384", 1), "the objective regression with 16384 outputs"},
		{"too many outputs", strings.Replace(regression, "num_tree_per_iteration=1", "num_tree_per_iteration=16385", 1), "from 1 to 16384"},
		{"v2", strings.Replace(regression, "version=v4", "version=v2", 1), ""},
		{"v3", strings.Replace(regression, "version=v4", "version=v3", 1), ""},
		{"v1", strings.Replace(regression, "version=v4", "version=v1", 1), `the version "v1" of the format is not supported`},
		{"decisions left out", strings.NewReplacer("decision_type=2 1\n", "", "num_cat=1", "num_cat=0").Replace(regression), ""},
		{"no leaf", strings.Replace(regression, "num_leaves=3", "num_leaves=0", 1), "tree 0: num_leaves: it is malformed"},
		{"blanks", strings.Replace(regression, "leaf_value=0.1 0.2 0.3", "leaf_value= 0.1  0.2 0.3 ", 1), ""},
		{"a value too few", strings.Replace(regression, "0.1 0.2 0.3", "0.1 0.23456", 1), `leaf_value: it is malformed: "" is no number`},
		{"a value too many", strings.Replace(regression, "0.1 0.2 0.3", "0.1 0.2 0.3 0.4", 1), "leaf_value: it is malformed: there are more numbers"},
		{"a threshold too few", strings.Replace(regression, "threshold=0.5 0\n", "threshold=0.5\n", 1), `threshold: it is malformed: "" is no number`},
		{"infinite threshold", strings.Replace(regression, "threshold=0.5 0\n", "threshold=1e999 0\n", 1), ""},
		{"a third kind of missing", strings.Replace(regression, "decision_type=2 1", "decision_type=8 1", 1), ""},
		{"a fourth kind of missing", strings.Replace(regression, "decision_type=2 1", "decision_type=14 1", 1), "node 0: decision_type 14"},
		{"negative set", strings.Replace(regression, "threshold=0.5 0\n", "threshold=0.5 -1\n", 1), "node 1: -1 is none of its 1 sets of categories"},
		{"empty set", strings.NewReplacer("cat_boundaries=0 1", "cat_boundaries=0 0", "cat_threshold=5\n", "").Replace(regression), ""},
		{"sets in words of others", strings.Replace(regression, "cat_boundaries=0 1", "cat_boundaries=1 1", 1), ""},
		{"set backwards", strings.Replace(regression, "cat_boundaries=0 1", "cat_boundaries=2 1", 1), "cat_boundaries: it is malformed: from 2 to 1 of 1"},
		{"negative words", strings.Replace(regression, "cat_boundaries=0 1", "cat_boundaries=0 -1", 1), "-1 words in 1 bytes"},
		{"no category", strings.Replace(regression, "cat_threshold=5", "cat_threshold=0", 1), ""},
		{"two sets of two words", strings.NewReplacer("num_cat=1", "num_cat=2", "cat_boundaries=0 1", "cat_boundaries=0 1 2", "cat_threshold=5", "cat_threshold=5 1").Replace(regression), ""},
		{"a boundary too few", strings.Replace(regression, "num_cat=1", "num_cat=3", 1), `cat_boundaries: it is malformed: "" is no integer`},
		{"leaves of a digit each", strings.Replace(regression, "0.1 0.2 0.3", "1 2 3", 1), ""},
		{"largest word", strings.Replace(regression, "cat_threshold=5", "cat_threshold=4294967295", 1), ""},
		{"word beyond", strings.Replace(regression, "cat_threshold=5", "cat_threshold=4294967296", 1), "cat_threshold: it is malformed: 4294967296 has no 32 bits"},
		{"a word too many", strings.Replace(regression, "cat_threshold=5", "cat_threshold=5 6", 1), "cat_threshold: it is malformed: there are more numbers"},
		{"category beyond the columns", strings.NewReplacer("feature: 1]", "feature: 2]", "categorical:[]", "categorical:[[1]]").Replace(regression), `categorical_feature: it is malformed: "2" is no integer from 0 to 1`},
		{"a ranged column", strings.NewReplacer("[categorical_feature: 1]\n", "", "categorical:[]", "categorical:[[1]]", "[0:1] 0:2:1", "[0:1] none").Replace(regression), "encode "},
		{"names without names", strings.NewReplacer("feature_names=a b", "feature_names=Column_0 Column_1", "categorical:[]", `categorical:[["x"]]`).Replace(regression), "categories that are no numbers (1) is not supported"},
	} {
		err := load([]byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	for names, want := range map[string][]string{"a b": {"a", "b"}, "Column_0 Column_1": nil, "Column_1 Column_0": {"Column_1", "Column_0"}, "Column_0 b": {"Column_0", "b"}} {
		if b := read(t, strings.Replace(regression, "a b", names, 1)); !slices.Equal(b.FeatureNames, want) || (b.FeatureNames == nil) != (want == nil) {
			t.Errorf("feature_names=%s: got %q, want %q", names, b.FeatureNames, want)
		}
	}
}

// TestBudget checks that a header of many features is taken off the budget.
func TestBudget(t *testing.T) {
	t.Parallel()
	names := strings.TrimSuffix(strings.Repeat("abcdefghi ", 1000), " ")
	infos := strings.TrimSuffix(strings.Repeat("[0:12345] ", 1000), " ")
	text := []byte(strings.NewReplacer("max_feature_idx=1", "max_feature_idx=999", "a b", names, "[0:1] 0:2:1", infos).Replace(small))
	for left, ok := range map[int]bool{32_000 + 20_000: false, 32_000 + 20_000 + 1000: true} {
		budget := pickle.NewBudget(0)
		if err := budget.Take(1<<20 - left); err != nil {
			t.Fatal(err)
		}
		if _, err := lightgbm.Read(text, budget); (err == nil) != ok || err != nil && !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("a budget of %d bytes: got %v, want success %v", left, err, ok)
		}
	}
}

// TestMissing checks where NaN and 0 go. The bits of decision_type say which of them counts
// as missing, and where missing values go.
func TestMissing(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	x := []float64{nan, 0, 1e-40, -1, 2}
	for _, c := range []struct {
		decision, threshold string
		want                []float64 // for each of x: 1 is left, 2 is right
	}{
		{"0", "1", []float64{1, 1, 1, 1, 2}},
		{"0", "-0.5", []float64{2, 2, 2, 1, 2}},
		{"2", "-0.5", []float64{2, 2, 2, 1, 2}},
		{"0", "0", []float64{1, 1, 1, 1, 2}},
		{"4", "1", []float64{2, 2, 2, 1, 2}},
		{"6", "-0.5", []float64{1, 1, 1, 1, 2}},
		{"8", "1", []float64{2, 1, 1, 1, 2}},
		{"10", "-0.5", []float64{1, 2, 2, 1, 2}},
		{"8", "nan", []float64{2, 2, 2, 2, 2}},
		{"10", "nan", []float64{1, 2, 2, 2, 2}},
	} {
		tree := "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=" + c.threshold + "\ndecision_type=" + c.decision + "\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n\n"
		text := strings.NewReplacer("max_feature_idx=1", "max_feature_idx=0", "feature_names=a b", "feature_names=a", "binary sigmoid:1", "regression").Replace(small[:strings.Index(small, "Tree=0")]) + tree
		m, err := read(t, text).Model(lightgbm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var r predict.Result
		if err := m.Predict(&r, x); err != nil || !slices.Equal(r.Predictions, c.want) {
			t.Errorf("decision_type %s, threshold %s: got %v, %v; want %v", c.decision, c.threshold, r.Predictions, err, c.want)
		}
	}
}
