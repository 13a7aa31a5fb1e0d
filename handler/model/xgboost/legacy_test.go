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

// The offsets of the version and the number of targets in LearnerModelParam.
const major, minor, targets = 20, 24, 28

// oldFile returns a file in the binary format that a version wrote, without the prefix that
// some have. trees is the offset of the parameters of its trees.
func oldFile(t *testing.T, version string) (data []byte, trees int) {
	t.Helper()
	data = bytes.TrimPrefix(predicttest.ReadGoldens(t, filepath.Join("testdata", "xgboost-"+version+".json.gz"))["saved_binary.bin"].File, []byte("binf"))
	trees = 136
	for range 2 { // the names of the objective and of the booster
		trees += 8 + int(binary.LittleEndian.Uint64(data[trees:]))
	}
	return data, trees
}

// put returns data with a number changed.
func put(data []byte, at int, v int32) []byte {
	changed := bytes.Clone(data)
	binary.LittleEndian.PutUint32(changed[at:], uint32(v))
	return changed
}

// TestLegacyVersions checks that the number of targets and of parallel trees is read from 1.6
// on. The last version with this format is 3.0.
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
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		data []byte
		want int
	}{{put(data, trees+4, 3), 3}, {put(data, trees+4, 0), 1}, {put(version(1, 6), trees+4, 3), 3}, {put(version(1, 5), trees+4, 3), 1}} {
		b, err := Read(c.data, pickle.NewBudget(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if b.parallel != c.want {
			t.Errorf("got %d parallel trees, want %d", b.parallel, c.want)
		}
	}
}

// TestLegacyCounts checks that counts beyond the rest of the file are refused, and that the
// length of a wrapped model must fit.
func TestLegacyCounts(t *testing.T) {
	t.Parallel()
	data, trees := oldFile(t, "1.7.6")
	nodes := trees + 4*40 + 4 // the offset of the number of nodes of the first tree
	for name, changed := range map[string][]byte{
		"trees":          put(data, trees, 1<<30),
		"negative trees": put(data, trees, -1),
		"one tree more":  put(data, trees, int32(binary.LittleEndian.Uint32(data[trees:]))+1),
		"nodes":          put(data, nodes, 1<<30),
		"no nodes":       put(data, nodes, 0),
		"negative nodes": put(data, nodes, -1),
		"one node more":  put(data, nodes, int32(binary.LittleEndian.Uint32(data[nodes:]))+1),
		"objective":      put(data, 136, 1<<30),
	} {
		if _, err := Read(changed, pickle.NewBudget(len(data))); err == nil {
			t.Errorf("%s: it was read, want an error", name)
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
			t.Errorf("%s: got %v, want success %v", c.name, err, c.ok)
		}
	}
}

// TestLegacyAttributes checks the attributes, which follow the trees if the file says that it
// has some.
func TestLegacyAttributes(t *testing.T) {
	t.Parallel()
	data, _ := oldFile(t, "0.90") // a file without attributes
	attributes := "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00a" + "\x02\x00\x00\x00\x00\x00\x00\x00bc"
	with := append(put(data, 12, 1), attributes...)
	if b, err := Read(with, pickle.NewBudget(len(with))); err != nil || b.Attributes["a"] != "bc" || len(b.Attributes) != 1 {
		t.Errorf("got %v, %v; want the attribute a", b, err)
	}
	if b, err := Read(put(with, 12, 0), pickle.NewBudget(len(with))); err != nil || b.Attributes != nil {
		t.Errorf("a file that says it has none: got %v, %v", b, err)
	}
	for n := range len(attributes) {
		if _, err := Read(with[:len(data)+n], pickle.NewBudget(len(with))); err == nil {
			t.Errorf("the first %d of %d bytes of attributes were read, want an error", n, len(attributes))
		}
	}
}

// stump is the JSON of a model with a tree of one leaf for each of three classes.
const stump = `{"learner":{"attributes":{},"feature_names":["a"],"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_parallel_tree":"1"},
"tree_info":[0,1,2],"iteration_indptr":[0,3],"cats":{"enc":[],"feature_segments":[0,0]},"trees":[
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[0],"default_left":[0]},
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[1E-9],"default_left":[0]},
{"left_children":[-1],"right_children":[-1],"split_indices":[0],"split_conditions":[-1],"default_left":[0]}]}},
"learner_model_param":{"base_score":"0","num_class":"3","num_feature":"1","num_target":"1"},"objective":{"name":"multi:softmax"}},"version":[2,1,0]}`

// TestSoftmax checks that multi:softmax predicts the class with the largest margin, and
// multi:softprob the first with the largest probability. Two margins of the stump are so
// close that their probabilities are equal.
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
			t.Errorf("%s: got class %v of %v, %v; want class %v", objective, r.Predictions, r.Probabilities, err, want)
		}
	}
}

// TestIterationsOfFile checks that iteration_indptr is used if it has at least two numbers.
func TestIterationsOfFile(t *testing.T) {
	t.Parallel()
	for starts, want := range map[string]int{"[0,3]": 3, "[0,1,3]": 1, "[0]": 3, "[]": 3, "[3]": 3} {
		b, err := Read([]byte(strings.Replace(stump, "[0,3]", starts, 1)), pickle.NewBudget(0))
		if err != nil {
			t.Fatal(starts, err)
		}
		if m, err := b.Model(Options{Iterations: 1}); err != nil || m.Trees() != want {
			t.Errorf("iteration_indptr %s: got %d trees, %v; want %d", starts, m.Trees(), err, want)
		}
	}
}

// TestDocumentBudget checks that all texts in a document are taken off the budget.
func TestDocumentBudget(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"attributes":  {`"attributes":{}`, `"attributes":{"a":"` + strings.Repeat("b", 1000) + `"}`},
		"a key":       {`"attributes":{}`, `"attributes":{"` + strings.Repeat("b", 1000) + `":""}`},
		"names":       {`["a"]`, `["` + strings.Repeat("b", 1000) + `"]`},
		"base scores": {`"base_score":"0"`, `"base_score":"0.` + strings.Repeat("0", 1000) + `"`},
	} {
		data := []byte(strings.Replace(stump, change[0], change[1], 1))
		least := func(data []byte) int { // the smallest budget with which data is read
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
			t.Errorf("%s of 1,000 bytes took %d off the budget", name, more)
		}
	}
}

// TestSizes checks that Size counts trees and weights.
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
		t.Errorf("a model of three leaves: got %d bytes, want at least %d", got, 512+3*12)
	}
	if got := (&Model{weights: make([]float32, 10)}).Size(); got != 512+40 {
		t.Errorf("a model of ten weights: got %d bytes, want %d", got, 512+40)
	}
}

// TestTokens checks that a token ends before the first byte that is no letter, digit, sign or
// point.
func TestTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"azAZ09+-.", "-1.5E+10", "NaN", "false", "z", "Z", "a", "A", "0", "9"} {
		for _, end := range []string{"", ",", "]", "}", ":", " ", "\"", "/", "@", "[", "`", "{"} {
			r := &textReader{data: []byte(" " + token + end)}
			if got := string(r.token()); got != token {
				t.Errorf("%q before %q: got %q", token, end, got)
			}
		}
	}
}
