package xgboost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// Where LearnerModelParam has the version and the number of targets.
const major, minor, targets = 20, 24, 28

// oldFile returns a file in the binary format that a version wrote, without what some
// begin with, and where the parameters of its trees begin.
func oldFile(t *testing.T, version string) (data []byte, trees int) {
	t.Helper()
	data = bytes.TrimPrefix(predicttest.ReadGoldens(t, filepath.Join("testdata", "xgboost-"+version+".json.gz"))["saved_binary.bin"].File, []byte("binf"))
	trees = 136
	for range 2 { // the names of the objective and of the booster
		trees += 8 + int(binary.LittleEndian.Uint64(data[trees:]))
	}
	return data, trees
}

func put(data []byte, at int, v int32) []byte {
	changed := bytes.Clone(data)
	binary.LittleEndian.PutUint32(changed[at:], uint32(v))
	return changed
}

// TestLegacyVersions: files have the number of targets, and parallel trees, from 1.6
// on; the last version that wrote them is 3.0.
func TestLegacyVersions(t *testing.T) {
	t.Parallel()
	data, trees := oldFile(t, "1.7.6")
	version := func(v, minorVersion int32) []byte { return put(put(data, major, v), minor, minorVersion) }
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"one target", data, ""},
		{"two targets", put(data, targets, 2), "a model of 2 targets or quantiles (num_target)"},
		{"two targets of 1.6", put(version(1, 6), targets, 2), "a model of 2 targets or quantiles"},
		{"two targets of 1.5", put(version(1, 5), targets, 2), ""},
		{"3.0", version(3, 0), ""},
		{"3.1", version(3, 1), "it is malformed: the version is 3.1"},
	} {
		_, err := Read(c.data, pickle.NewBudget(len(data)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		data []byte
		want int
	}{{put(data, trees+4, 3), 3}, {put(data, trees+4, 0), 1}, {put(version(1, 6), trees+4, 3), 3}, {put(version(1, 5), trees+4, 3), 1}} {
		b, err := Read(c.data, pickle.NewBudget(len(data)))
		if err != nil || b.parallel != c.want {
			t.Errorf("%d parallel trees, %v; want %d", b.parallel, err, c.want)
		}
	}
}

// TestLegacyCounts: counts that the rest of the file cannot hold are refused, as is a
// file that is cut.
func TestLegacyCounts(t *testing.T) {
	t.Parallel()
	data, trees := oldFile(t, "1.7.6")
	nodes := trees + 4*40 + 4 // of the first tree
	for name, changed := range map[string][]byte{
		"trees":          put(data, trees, 1<<30),
		"negative trees": put(data, trees, -1),
		"a tree more":    put(data, trees, int32(binary.LittleEndian.Uint32(data[trees:]))+1),
		"nodes":          put(data, nodes, 1<<30),
		"no nodes":       put(data, nodes, 0),
		"negative nodes": put(data, nodes, -1),
		"a node more":    put(data, nodes, int32(binary.LittleEndian.Uint32(data[nodes:]))+1),
		"objective":      put(data, 136, 1<<30),
	} {
		if _, err := Read(changed, pickle.NewBudget(len(data))); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	wrapped := func(length uint64, rest []byte) []byte {
		return append(binary.LittleEndian.AppendUint64([]byte(serialized), length), rest...)
	}
	for _, c := range []struct {
		name string
		data []byte
		ok   bool
	}{
		{"whole", wrapped(uint64(len(data)), data), true},
		{"with a configuration", wrapped(uint64(len(data)), append(bytes.Clone(data), "{}"...)), true},
		{"a byte too few", wrapped(uint64(len(data)+1), data), false},
		{"length cut", []byte(serialized + "\x00\x00\x00\x00\x00\x00\x00"), false},
		{"nothing", []byte(serialized), false},
		{"vast", wrapped(1<<63, data), false},
	} {
		if _, err := Read(c.data, pickle.NewBudget(len(data))); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestLegacyAttributes: pairs of texts follow the trees where a file says that it has
// some.
func TestLegacyAttributes(t *testing.T) {
	t.Parallel()
	data, _ := oldFile(t, "0.90") // has none
	attributes := "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00a" + "\x02\x00\x00\x00\x00\x00\x00\x00bc"
	with := append(put(data, 12, 1), attributes...)
	if b, err := Read(with, pickle.NewBudget(len(with))); err != nil || b.Attributes["a"] != "bc" || len(b.Attributes) != 1 {
		t.Errorf("%v, %v", b, err)
	}
	if b, err := Read(put(with, 12, 0), pickle.NewBudget(len(with))); err != nil || b.Attributes != nil {
		t.Errorf("%v, %v", b, err)
	}
	for n := range len(attributes) {
		if _, err := Read(with[:len(data)+n], pickle.NewBudget(len(with))); err == nil {
			t.Errorf("%d of %d bytes of attributes are read", n, len(attributes))
		}
	}
}

// stump is a learner of trees of one leaf, one for each of three classes.
const stump = `{"learner":{"attributes":{},"feature_names":["a"],"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_parallel_tree":"1"},
"tree_info":[0,1,2],"iteration_indptr":[0,3],"cats":{"enc":[],"feature_segments":[0,0]},"trees":[
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[0],"default_left":[0]},
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[1E-9],"default_left":[0]},
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[-1],"default_left":[0]}]}},
"learner_model_param":{"base_score":"0","num_class":"3","num_feature":"1","num_target":"1"},"objective":{"name":"multi:softmax"}},"version":[2,1,0]}`

// TestSoftmax: the class of multi:softmax is that of the largest margin, of
// multi:softprob that of the largest probability, which of close margins is one.
func TestSoftmax(t *testing.T) {
	t.Parallel()
	for objective, want := range map[string]float64{"multi:softmax": 1, "multi:softprob": 0} {
		b, err := Read([]byte(strings.Replace(stump, "multi:softmax", objective, 1)), pickle.NewBudget(0))
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.Model(b.Saved())
		if err != nil {
			t.Fatal(err)
		}
		var r predict.Result
		if err := m.Predict(&r, []float64{1}); err != nil || r.Predictions[0] != want || r.Probabilities[0] != r.Probabilities[1] {
			t.Errorf("%s: class %v of %v, %v", objective, r.Predictions, r.Probabilities, err)
		}
	}
}

// TestIterationsOfFile: the ends of iterations are used where there are two at least.
func TestIterationsOfFile(t *testing.T) {
	t.Parallel()
	for starts, want := range map[string]int{"[0,3]": 3, "[0,1,3]": 1, "[0]": 3, "[]": 3, "[3]": 3} {
		b, err := Read([]byte(strings.Replace(stump, "[0,3]", starts, 1)), pickle.NewBudget(0))
		if err != nil {
			t.Fatal(starts, err)
		}
		if m, err := b.Model(Options{Iterations: 1}); err != nil || m.Trees() != want {
			t.Errorf("%s: %d trees, %v", starts, m.Trees(), err)
		}
	}
}

// TestDocumentBudget: all that a document has is taken off the budget.
func TestDocumentBudget(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"attributes":  {`"attributes":{}`, `"attributes":{"a":"` + strings.Repeat("b", 1000) + `"}`},
		"a key":       {`"attributes":{}`, `"attributes":{"` + strings.Repeat("b", 1000) + `":""}`},
		"names":       {`["a"]`, `["` + strings.Repeat("b", 1000) + `"]`},
		"base scores": {`"base_score":"0"`, `"base_score":"0.` + strings.Repeat("0", 1000) + `"`},
	} {
		data := []byte(strings.Replace(stump, change[0], change[1], 1))
		least := func(data []byte) int { // bytes with which it can be read
			n := 0
			for ; n < 1<<20; n++ {
				budget := pickle.NewBudget(0)
				if err := budget.Take(1<<20 - n); err != nil {
					t.Fatal(err)
				}
				_, err := Read(data, budget)
				if err == nil {
					break
				}
				if !errors.Is(err, pickle.ErrLimit) {
					t.Fatal(err)
				}
			}
			return n
		}
		if more := least(data) - least([]byte(stump)); more < 990 || more > 1200 {
			t.Errorf("%s of 1,000 bytes take %d off the budget", name, more)
		}
	}
}

// TestSizes: a model says what its trees, or its weights, take.
func TestSizes(t *testing.T) {
	t.Parallel()
	b, err := Read([]byte(stump), pickle.NewBudget(0))
	if err != nil {
		t.Fatal(err)
	}
	trees, err := b.Model(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := trees.Size(); got < 512+3*12 {
		t.Errorf("three leaves take %d bytes", got)
	}
	if got := (&Model{weights: make([]float32, 10)}).Size(); got != 512+40 {
		t.Errorf("ten weights take %d bytes", got)
	}
}

// TestTokens: a token ends at what is no letter, digit, sign or point.
func TestTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"azAZ09+-.", "-1.5E+10", "NaN", "false", "z", "Z", "a", "A", "0", "9"} {
		for _, end := range []string{"", ",", "]", "}", ":", " ", "\"", "/", "@", "[", "`", "{"} {
			r := &textReader{data: []byte(" " + token + end)}
			if got := string(r.token()); got != token {
				t.Errorf("%q before %q is read as %q", token, end, got)
			}
		}
	}
}
