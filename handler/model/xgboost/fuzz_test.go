package xgboost_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// saved returns the models that a version of XGBoost saved itself, by name.
func saved(t testing.TB, version string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for name, m := range predicttest.ReadGoldens(t, "testdata/xgboost-"+version+".json.gz") {
		if strings.HasPrefix(name, "saved_") || name == "categories" {
			files[name] = m.File
		}
	}
	return files
}

// FuzzRead checks that no file makes Read or Predict panic or take a second of CPU time, and
// that Read does not allocate much more than eight times the file's size. Each row must give
// the same alone as among others.
func FuzzRead(f *testing.F) {
	for _, version := range []string{"1.0.2", "1.7.6", "3.4.1"} {
		for _, data := range saved(f, version) {
			f.Add(data)
		}
	}
	for _, h := range hostile {
		f.Add([]byte(h.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b *xgboost.Booster
		var err error
		measure.Bounded(t, min(8*len(data)+2<<20, 256<<20), func() { b, err = xgboost.Read(data, pickle.NewBudget(len(data))) })
		if err != nil || b.Features > 1000 || b.Outputs() > 100 {
			return
		}
		measure.Bounded(t, math.MaxInt, func() {
			for _, inplace := range []bool{false, true} {
				if m, err := b.Model(xgboost.Options{Missing: 1, Iterations: b.BestIteration(), Inplace: inplace}); err == nil {
					predicttest.Rows(t, m, predicttest.Hostile(20, b.Features))
				}
			}
			b.Saved()
		})
	})
}

// learner is the JSON of a model with one tree. Tests change it.
const learner = `{"version":[2,1,0],"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"name":"gbtree","model":{
"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},"tree_info":[0],"trees":[{"id":0,"left_children":[1,-1,-1],"right_children":[2,-1,-1],
"split_indices":[0,0,0],"split_conditions":[5E-1,-1E0,2E0],"default_left":[1,0,0],"split_type":[0,0,0],"categories":[],"categories_nodes":[],"categories_segments":[],"categories_sizes":[],
"tree_param":{"num_nodes":"3","size_leaf_vector":"1"}}]}},"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2","num_target":"1"},
"objective":{"name":"reg:squarederror"}}}`

// changed returns learner with a text replaced.
func changed(old, new string) string {
	if !strings.Contains(learner, old) {
		panic(old)
	}
	return strings.Replace(learner, old, new, 1)
}

// hostile are files that must be refused, with a part of the error.
var hostile = []struct{ name, data, want string }{
	{"cut off", learner[:400], "ends too early"},
	{"loop", changed(`"left_children":[1,`, `"left_children":[0,`), "has another parent"},
	{"child beyond", changed(`"left_children":[1,`, `"left_children":[3,`), "are not two of 3 nodes"},
	{"child far beyond", changed(`"left_children":[1,`, `"left_children":[99999999999,`), "trees: tree 0: left_children: it is malformed: '9' at byte 243 where an integer of 32 bits is wanted"},
	{"child 1 plus 2³²", changed(`"left_children":[1,`, `"left_children":[4294967297,`), "an integer of 32 bits"},
	{"negative child", changed(`"right_children":[2,`, `"right_children":[-7,`), "are not two of 3 nodes"},
	{"twins", changed(`"right_children":[2,`, `"right_children":[1,`), "has another parent"},
	{"feature beyond", changed(`"split_indices":[0,`, `"split_indices":[2,`), "feature 2 is not one of 2"},
	{"short arrays", changed(`"default_left":[1,0,0]`, `"default_left":[1]`), "not of one length"},
	{"no node", changed(`"left_children":[1,-1,-1]`, `"left_children":[]`), "no node"},
	{"group beyond", changed(`"tree_info":[0]`, `"tree_info":[1]`), "output 1 is not one of 1"},
	{"groups missing", changed(`"tree_info":[0]`, `"tree_info":[]`), "1 trees, but the outputs of 0"},
	{"categories without set", changed(`"split_type":[0,`, `"split_type":[1,`), "splits by categories, but has none"},
	{"vast category", strings.Replace(changed(`"split_type":[0,`, `"split_type":[1,`), `"categories":[],"categories_nodes":[],"categories_segments":[],"categories_sizes":[]`,
		`"categories":[16777216],"categories_nodes":[0],"categories_segments":[0],"categories_sizes":[1]`, 1), "are no categories"},
	{"features", changed(`"num_feature":"2"`, `"num_feature":"2000000000"`), "2000000000 features"},
	{"classes", changed(`"num_class":"0"`, `"num_class":"99999999"`), "99999999 classes"},
	{"base_score", changed(`"base_score":"5E-1"`, `"base_score":"[1,2,3]"`), "3 values of base_score"},
	{"infinite base_score", changed(`"base_score":"5E-1"`, `"base_score":"inf"`), "base_score is +Inf"},
	{"targets", changed(`"num_target":"1"`, `"num_target":"2"`), "a model of 2 targets or quantiles (num_target) is not supported"},
	{"trees of targets", changed(`"size_leaf_vector":"1"`, `"size_leaf_vector":"3"`), "multi_strategy='multi_output_tree') is not supported"},
	{"objective", changed(`reg:squarederror`, `reg:expectileerror`), `objective "reg:expectileerror" is not supported: fit with one of`},
	{"booster", changed(`"name":"gbtree"`, `"name":"gbforest"`), `booster "gbforest" is not supported`},
	{"encoded", changed(`"tree_info":[0]`, `"tree_info":[0],"cats":{"enc":[{}],"feature_segments":[0,3],"sorted_idx":[]}`), "encode the columns with OrdinalEncoder"},
	{"deep", changed(`"feature_types":[]`, `"feature_types":`+strings.Repeat("[", 100_000)), "inside one another"},
	{"two learners", changed(`"version":[2,1,0]`, `"learner":{}`), "two learners"},
	{"no tree", changed(`"trees":[{`, `"trees":[],"other":[{`), "no tree"},
	{"probability", strings.Replace(changed(`reg:squarederror`, `binary:logistic`), `5E-1`, `1.5`, 2), "base_score"},
	{"version 0", changed(`[2,1,0]`, `[0,9,0]`), "version: it is malformed: it is [0 9 0]"},
	{"version 100", changed(`[2,1,0]`, `[100,1,0]`), "it is [100 1 0]"},
	{"negative minor version", changed(`[2,1,0]`, `[2,-1,0]`), "it is [2 -1 0]"},
	{"minor version 100", changed(`[2,1,0]`, `[2,100,0]`), "it is [2 100 0]"},
	{"half a version", changed(`[2,1,0]`, `[2]`), "it is [2]"},
	{"no version", changed(`[2,1,0]`, `[]`), "it is []"},
	{"no feature", changed(`"num_feature":"2"`, `"num_feature":"0"`), "0 features: 1 to 1048576 are supported"},
	{"a feature too many", changed(`"num_feature":"2"`, `"num_feature":"1048577"`), "1048577 features: 1 to 1048576 are supported"},
	{"negative classes", changed(`"num_class":"0"`, `"num_class":"-1"`), "-1 classes and 1 targets: up to 16384 are supported"},
	{"a class too many", changed(`"num_class":"0"`, `"num_class":"16385"`), "16385 classes"},
	{"negative targets", changed(`"num_target":"1"`, `"num_target":"-1"`), "-1 targets"},
	{"a target too many", changed(`"num_target":"1"`, `"num_target":"16385"`), "16385 targets: up to"},
	{"number in words", changed(`"num_class":"0"`, `"num_class":"none"`), `learner: learner_model_param: it is malformed: "none" is no integer`},
	{"number beyond 32 bits", changed(`"num_class":"0"`, `"num_class":"4294967296"`), `"4294967296" is no integer`},
	{"number without quotes", changed(`"num_class":"0"`, `"num_class":0`), `where a string is wanted`},
	{"base_score in words", changed(`"base_score":"5E-1"`, `"base_score":"[half]"`), `"half" is no base_score`},
	{"base_score NaN", changed(`"base_score":"5E-1"`, `"base_score":"nan"`), "base_score is NaN"},
	{"a name too few", changed(`"feature_names":[]`, `"feature_names":["a"]`), "1 names for 2 features"},
	{"a name too many", changed(`"feature_names":[]`, `"feature_names":["a","b","c"]`), "3 names for 2 features"},
	{"names without quotes", changed(`"feature_names":[]`, `"feature_names":[1]`), "feature_names: it is malformed: '1' at byte"},
	{"split of a third kind", changed(`"split_type":[0,`, `"split_type":[2,`), "tree 0: node 0: a split of type 2"},
	{"weights of too few trees", changed(`"name":"gbtree"`, `"name":"dart","weight_drop":[1,1]`), "1 trees, but the weights of 2"},
	{"dart without weights", changed(`"name":"gbtree"`, `"name":"dart"`), "a dart booster without the weights of its trees"},
	{"dart's group beyond", strings.NewReplacer(`"name":"gbtree"`, `"name":"dart","weight_drop":[1]`, `"tree_info":[0]`, `"tree_info":[1]`).Replace(learner), "output 1 is not one of 1"},
	{"dart's negative group", strings.NewReplacer(`"name":"gbtree"`, `"name":"dart","weight_drop":[1]`, `"tree_info":[0]`, `"tree_info":[-1]`).Replace(learner), "output -1 is not one of 1"},
	{"linear without weights", changed(`"name":"gbtree"`, `"name":"gblinear"`), "0 weights for 2 features and 1 outputs"},
	{"iterations beyond", changed(`"tree_info":[0]`, `"tree_info":[0],"iteration_indptr":[0,2]`), "iteration_indptr has 2 for 1 trees"},
	{"iterations backwards", changed(`"tree_info":[0]`, `"tree_info":[0],"iteration_indptr":[1,0]`), "iteration_indptr has 0 for 1 trees"},
	{"negative iterations", changed(`"tree_info":[0]`, `"tree_info":[0],"iteration_indptr":[-1,1]`), "iteration_indptr has -1 for 1 trees"},
	{"no learner", `{"version":[2,1,0],"other":"learner","learner ":{}}`, "it has no learner"},
	{"classes of a regressor", changed(`"num_class":"0"`, `"num_class":"3"`), "objective reg:squarederror with 3 outputs"},
	{"one class of many", changed(`reg:squarederror`, `multi:softmax`), "objective multi:softmax with 1 outputs"},
	{"probability 0", strings.Replace(changed(`reg:squarederror`, `binary:logistic`), `5E-1"`, `0"`, 1), "base_score is 0: it has to be above 0 and below 1"},
	{"probability 1", strings.Replace(changed(`reg:squarederror`, `binary:logistic`), `5E-1"`, `1"`, 1), "base_score is 1: it has to be above 0 and below 1"},
	{"mean 0", strings.Replace(changed(`reg:squarederror`, `count:poisson`), `5E-1"`, `0"`, 1), "base_score is 0: it has to be above 0"},
	{"more after it", learner + "x", "'x' at byte 664 where the end is wanted"},
	{"empty ubjson", "{L", "ends too early"},
	{"vast string", "{L\x7f\xff\xff\xff\xff\xff\xff\xff", "ends too early"},
	{"vast array", "{L\x00\x00\x00\x00\x00\x00\x00\x07version[$L#L\x10\x00\x00\x00\x00\x00\x00\x00", "ends too early"},
	{"array of arrays", "{L\x00\x00\x00\x00\x00\x00\x00\x01a" + strings.Repeat("[#L\x00\x00\x00\x00\x00\x00\x00\x01", 1000), "inside one another"},
	{"legacy", "binf" + strings.Repeat("\x00", 200), "features"},
	{"legacy trees", legacy("reg:linear", "gbtree", 1<<30), "ends too early"},
	{"legacy negative", legacy("reg:linear", "gbtree", -1), "ends too early"},
	{"unknown", "what is this", "none of JSON, UBJSON"},
}

// legacy returns the beginning of a model in the binary format, with zeros for trees.
func legacy(objective, booster string, trees int32) string {
	b := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5))
	b = binary.LittleEndian.AppendUint32(b, 2)
	b = append(b, make([]byte, 128)...)
	for _, s := range []string{objective, booster} {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(trees))
	return string(append(b, make([]byte, 156)...))
}

// TestHostile checks the errors for hostile files.
func TestHostile(t *testing.T) {
	t.Parallel()
	if err := load([]byte(learner)); err != nil {
		t.Fatal("the model that the cases change:", err)
	}
	for _, h := range hostile {
		if err := load([]byte(h.data)); err == nil || !strings.Contains(err.Error(), h.want) {
			t.Errorf("%s: got %v, want %q", h.name, err, h.want)
		}
	}
}

// load reads a model, and makes it ready to predict as each interface of the library does.
func load(data []byte) error {
	b, err := xgboost.Read(data, pickle.NewBudget(len(data)))
	if err == nil {
		_, err = b.Model(xgboost.Options{Inplace: true})
	}
	if err == nil {
		_, err = b.Model(b.Saved())
	}
	return err
}

// TestTruncated checks that truncated files are refused: at each byte of their beginning,
// and at some of the rest.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, data := range saved(t, "1.7.6") {
		for n := 0; n < len(data)-64; n += 1 + n/50 {
			if err := load(data[:n]); err == nil {
				t.Fatalf("%s: the first %d of %d bytes were read, want an error", name, n, len(data))
			}
		}
	}
}

// TestBudget checks that trees are taken off the budget.
func TestBudget(t *testing.T) {
	t.Parallel()
	leaves := strings.TrimSuffix(strings.Repeat(`{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[1],"default_left":[0]},`, 20_000), ",")
	info := strings.TrimSuffix(strings.Repeat("0,", 20_000), ",")
	data := strings.Replace(changed(`"tree_info":[0]`, `"tree_info":[`+info+`]`), `"trees":[{`, fmt.Sprintf(`"trees":[%s],"other":[{`, leaves), 1)
	if err := load([]byte(data)); err != nil {
		t.Error("20,000 trees of one leaf:", err)
	}
	if _, err := xgboost.Read([]byte(data), pickle.NewBudget(0)); !errors.Is(err, pickle.ErrLimit) {
		t.Errorf("20,000 trees with the least budget: got %v, want pickle.ErrLimit", err)
	}
}
