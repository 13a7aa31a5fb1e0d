package lightgbm_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/lightgbm"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// saved returns the models that a version of LightGBM saved as text, by name.
func saved(t testing.TB, version string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for name, m := range predicttest.ReadGoldens(t, "testdata/lightgbm-"+version+".json.gz") {
		if strings.HasSuffix(name, "_text") {
			files[name] = m.File
		}
	}
	return files
}

// FuzzRead checks that no text makes Read or Predict panic or take a second of CPU time, and
// that Read does not allocate much more than eight times the text's size. Each row must give
// the same alone as among others.
func FuzzRead(f *testing.F) {
	for _, version := range []string{"2.3.1", "4.7.0"} {
		for _, data := range saved(f, version) {
			f.Add(data)
		}
	}
	for _, h := range hostile {
		f.Add([]byte(h.data))
	}
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b *lightgbm.Booster
		var err error
		measure.Bounded(t, min(8*len(data)+2<<20, 256<<20), func() { b, err = lightgbm.Read(data, pickle.NewBudget(len(data))) })
		if err != nil || b.Features > 1000 {
			return
		}
		measure.Bounded(t, math.MaxInt, func() {
			for _, iterations := range []int{0, 2} {
				if m, err := b.Model(lightgbm.Options{Iterations: iterations}); err == nil {
					predicttest.Rows(t, m, predicttest.Hostile(20, b.Features))
				}
			}
		})
	})
}

// small is a model of one tree with a split by a number and one by categories. Tests change
// it.
const small = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=a b
feature_infos=[0:1] 0:2:1
tree_sizes=300

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.5 0
decision_type=2 1
left_child=1 -1
right_child=-2 -3
leaf_value=0.1 0.2 0.3
cat_boundaries=0 1
cat_threshold=5
is_linear=0
shrinkage=1


end of trees

parameters:
[categorical_feature: 1]
[linear_tree: 0]

end of parameters

pandas_categorical:[]
`

// changed returns small with a text replaced.
func changed(old, new string) string {
	if !strings.Contains(small, old) {
		panic(old)
	}
	return strings.Replace(small, old, new, 1)
}

// hostile are texts that must be refused, with a part of the error.
var hostile = []struct{ name, data, want string }{
	{"empty", "tree\n", "ends before its trees"},
	{"no tree", "tree\nversion=v4\nnum_class=1\nend of trees\n", "no tree"},
	{"version", changed("version=v4", "version=v9"), `version "v9" of the format is not supported`},
	{"objective", changed("binary sigmoid:1", "cross_entropy_lambda"), `objective "cross_entropy_lambda" is not supported`},
	{"sigmoid", changed("sigmoid:1", "sigmoid:-1"), "is not above 0"},
	{"no sigmoid", changed(" sigmoid:1", ""), "is not above 0"},
	{"classes", changed("binary sigmoid:1", "multiclass num_class:3"), "with 1 outputs"},
	{"outputs", changed("num_tree_per_iteration=1", "num_tree_per_iteration=999999999"), "is no integer from 1"},
	{"features", changed("max_feature_idx=1", "max_feature_idx=99999999999"), "is no integer from 0"},
	{"names", changed("feature_names=a b", "feature_names=a"), "1 names for 2 features"},
	{"iterations", strings.Replace(changed("num_tree_per_iteration=1", "num_tree_per_iteration=2"), "binary sigmoid:1", "multiclassova num_class:2 sigmoid:1", 1), "1 trees are no iterations of 2"},
	{"linear", changed("is_linear=0", "is_linear=1"), "linear_tree=True) is not supported"},
	{"linear parameter", changed("[linear_tree: 0]", "[linear_tree: 1]"), "linear_tree=True) is not supported"},
	{"leaves", changed("num_leaves=3", "num_leaves=300"), "300 leaves have their values"},
	{"vast leaves", changed("num_leaves=3", "num_leaves=2000000000"), "is no integer"},
	{"few leaves", changed("num_leaves=3", "num_leaves=2"), "more numbers than there should be"},
	{"loop", changed("left_child=1 -1", "left_child=0 -1"), "child 0 has another parent"},
	{"child beyond", changed("left_child=1 -1", "left_child=99 -1"), "child 99 is not one of 5"},
	{"leaf beyond", changed("right_child=-2 -3", "right_child=-2 -9"), "child 10 is not one of 5"},
	{"least child", changed("right_child=-2 -3", "right_child=-2 -9223372036854775808"), "is not one of 5"},
	{"twins", changed("right_child=-2 -3", "right_child=-2 -1"), "another parent"},
	{"feature beyond", changed("split_feature=0 1", "split_feature=0 2"), "feature 2 is not one of 2"},
	{"set beyond", changed("threshold=0.5 0", "threshold=0.5 1"), "is none of its 1 sets"},
	{"set of NaN", changed("threshold=0.5 0", "threshold=0.5 nan"), "sets of categories"},
	{"boundaries", changed("cat_boundaries=0 1", "cat_boundaries=0 9"), "9 words in 1 bytes"},
	{"boundaries down", changed("cat_boundaries=0 1", "cat_boundaries=-1 1"), "from -1 to 1"},
	{"sets", changed("num_cat=1", "num_cat=99"), "99 sets of categories"},
	{"word", changed("cat_threshold=5", "cat_threshold=-5"), "no 32 bits"},
	{"missing", changed("decision_type=2 1", "decision_type=12 1"), "decision_type 12"},
	{"text", changed("leaf_value=0.1", "leaf_value=x"), `"x" is no number`},
	{"no integer", changed("split_feature=0", "split_feature=0.5"), `"0.5" is no integer`},
	{"unknown line among trees", changed("shrinkage=1\n\n", "shrinkage=1\n\nhello\n"), `the line "hello"`},
	{"categories of text", changed("pandas_categorical:[]", `pandas_categorical:[["on","off"]]`), `categories that are no numbers ("b") is not supported`},
	{"categories of an unknown column", changed("pandas_categorical:[]", `pandas_categorical:[[1,2],[3]]`), "categories of 2 columns but names 1"},
	{"infos of too many columns", strings.NewReplacer("[0:1] 0:2:1", "[0:1] 0:2:1 3:4", "[categorical_feature: 1]\n", "", "pandas_categorical:[]", "pandas_categorical:[[1,2],[3]]").Replace(small), "feature_infos has 3 items for 2 features"},
	{"categories cut off", changed("pandas_categorical:[]", `pandas_categorical:[[1,`), "pandas_categorical: unexpected end"},
}

// TestHostile checks the errors for hostile texts, and that trees are taken off the budget.
func TestHostile(t *testing.T) {
	t.Parallel()
	if err := load([]byte(small)); err != nil {
		t.Fatal("the model that the cases change:", err)
	}
	for _, h := range hostile {
		if err := load([]byte(h.data)); err == nil || !strings.Contains(err.Error(), h.want) {
			t.Errorf("%s: got %v, want %q", h.name, err, h.want)
		}
	}
	if _, err := lightgbm.Read([]byte(small), pickle.NewBudget(0)); err != nil {
		t.Error("the small model with the least budget:", err)
	}
	large := strings.Repeat(small[strings.Index(small, "Tree=0"):strings.Index(small, "end of trees")], 20_000)
	data := []byte(changed("Tree=0", large+"Tree=0"))
	if err := load(data); err != nil {
		t.Error("20,000 trees:", err)
	}
	if _, err := lightgbm.Read(data, pickle.NewBudget(0)); !errors.Is(err, pickle.ErrLimit) {
		t.Errorf("20,000 trees with the least budget: got %v, want pickle.ErrLimit", err)
	}
}

// TestLines checks that a text with Windows line ends is the same model.
func TestLines(t *testing.T) {
	t.Parallel()
	for name, data := range saved(t, "4.7.0") {
		b, err := lightgbm.Read([]byte(strings.ReplaceAll(string(data), "\n", "\r\n")), pickle.NewBudget(len(data)))
		if err != nil {
			t.Fatal(name, err)
		}
		plain, err := lightgbm.Read(data, pickle.NewBudget(len(data)))
		if err != nil || b.Trees != plain.Trees || b.Features != plain.Features {
			t.Errorf("%s: got %d trees, want %d; %v", name, b.Trees, plain.Trees, err)
		}
	}
}

// load reads a model and makes it ready to predict.
func load(data []byte) error {
	b, err := lightgbm.Read(data, pickle.NewBudget(len(data)))
	if err == nil {
		_, err = b.Model(lightgbm.Options{})
	}
	return err
}
