package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// listed are files that have names but no content.
type listed []string

func (l listed) Names() []string                  { return l }
func (l listed) Has(name string) bool             { return slices.Contains(l, name) }
func (l listed) Read(name string) ([]byte, error) { return nil, fs.ErrNotExist }
func (l listed) Size() int                        { return 0 }

// TestFilesRefusal checks what a zip file or a folder without a supported model is
// called, which depends on the names in it.
func TestFilesRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ names, want string }{
		{"", "this folder is empty"}, {"a/data.pkl", "a PyTorch model"}, {"model.weights.h5", "a Keras model"}, {"m/keras_metadata.pb", "a Keras model"}, {"m/saved_model.pb", "a TensorFlow model (SavedModel)"},
		{"saved_model.pbtxt", "a TensorFlow model"}, {"a.npy b.npy", "a file of numpy arrays (.npz)"}, {"a.npy b.pkl", ""}, {"[Content_Types].xml xl/workbook.xml", "an Excel workbook"},
		{"[Content_Types].xml word/document.xml", "an Office document"}, {"mimetype content.xml", "an Office document"}, {"META-INF/MANIFEST.MF", "a Java archive"}, {"m/metadata/part-00000", "a model of Spark"},
		{"model.safetensors", "a neural network of the transformers library"}, {"pytorch_model.bin", "a neural network of the transformers library"}, {"model.pkl", ""}, {"MLmodel model.weights.h5", ""}, {"data.pkl", ""},
	} {
		err := filesRefusal(listed(strings.Fields(c.names)), "folder")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.names, err, c.want)
		}
	}
}

// TestInside checks that up to three folders which hold nothing but one folder are
// skipped, and that a features file beside that folder belongs to its files.
func TestInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ names, want, of, outside string }{
		{"a.pkl b.json", "a.pkl b.json", "a.pkl", "a.pkl"},
		{"m/a.pkl", "a.pkl", "a.pkl", "m/a.pkl"},
		{"l/m/a.pkl l/m/b", "a.pkl b", "b", "l/m/b"},
		{"k/l/m/a.pkl", "a.pkl", "a.pkl", "k/l/m/a.pkl"},
		{"j/k/l/m/a.pkl", "m/a.pkl", "m/a.pkl", "j/k/l/m/a.pkl"},
		{"m/a.pkl n/a.pkl", "m/a.pkl n/a.pkl", "n/a.pkl", "n/a.pkl"},
		{"features.json m/a.pkl", "a.pkl features.json", "features.json", "features.json"},
		{"m/a.pkl p.features.json", "a.pkl p.features.json", "a.pkl", "m/a.pkl"},
		{"a.json m/a.pkl", "a.json m/a.pkl", "m/a.pkl", "m/a.pkl"},
		{"__MACOSX/m/a .DS_Store m/.DS_Store m/a.pkl", "a.pkl", "a.pkl", "m/a.pkl"},
		{"features.json", "features.json", "features.json", "features.json"},
	} {
		got := inside(listed(strings.Fields(c.names)))
		if names := strings.Join(got.Names(), " "); names != c.want || outside(got, c.of) != c.outside || !got.Has(c.of) || got.Has("x") {
			t.Errorf("%s: got %s, where %s is %s; want %s, where it is %s", c.names, names, c.of, outside(got, c.of), c.want, c.outside)
		}
	}
}

// TestSpecs checks that a folder's one features file is used instead of the given one,
// and that several are refused.
func TestSpecs(t *testing.T) {
	t.Parallel()
	given := new(features.Spec)
	dir := func(names ...string) fs.FS {
		all := fstest.MapFS{"m.pkl": {}}
		for _, name := range names {
			all[name] = &fstest.MapFile{Data: []byte(`{"threshold": 0.25}`)}
		}
		all["list.features.json"] = &fstest.MapFile{Data: []byte(`["a"]`)}
		if len(names) > 0 {
			delete(all, "list.features.json")
		}
		return all
	}
	for _, c := range []struct {
		names []string
		want  string
	}{{nil, "given"}, {[]string{"features.json"}, "own"}, {[]string{"d/features.json"}, "given"}, {[]string{"a.features.json", "features.json"}, "there are 2 features files, a.features.json, features.json: "}} {
		f, err := openFolder(dir(c.names...))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := specOf(f, given)
		switch {
		case c.want == "given" && (err != nil || spec != given), c.want == "own" && (err != nil || spec == given || *spec.Thresh != 0.25), strings.HasPrefix(c.want, "there") && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%q: got %v, %v; want %s", c.names, spec, err, c.want)
		}
	}
}

// byFeature is a classifier that takes its one feature for the probability of its second
// class.
type byFeature struct{ classes int }

func (f byFeature) Kind() predict.Kind     { return predict.Classifier }
func (f byFeature) Features() int          { return 1 }
func (f byFeature) FeatureNames() []string { return nil }
func (f byFeature) Classes() []string      { return make([]string, f.classes) }
func (f byFeature) Size() int              { return 0 }
func (f byFeature) Predict(r *predict.Result, x []float64) error {
	r.Resize(len(x), 0, f.classes)
	for i, p := range x {
		r.Predictions[i] = 7
		if f.classes == 2 {
			r.Probabilities[2*i], r.Probabilities[2*i+1] = 1-p, p
		}
	}
	return nil
}

// TestDamaged checks that the error for a damaged pickle says to copy it again, and that
// bytes which only begin with an opcode are not taken for a pickle.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data, want string
		noModel    bool
	}{
		{"\x80\x04\x8c\x02\xff\xfe.", "pickle offset 2 (SHORT_BINUNICODE): a string is not UTF-8; if the file was damaged on its way, copy it again in binary mode", false},
		{"\x80\x04]h\x07.", "nothing is in the memo at 7; if the file was damaged on its way", false},
		{".\xff\x00ab", "this is none of the files that are read", true},
		{"\x94\xff\x00ab", "this is none of the files that are read", true},
	} {
		_, err := Load([]byte(c.data), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrNoModel) != c.noModel {
			t.Errorf("%q: got %v, want %q", c.data, err, c.want)
		}
	}
}

// TestCutOff checks that a classifier predicts its second class where that class has at
// least the threshold's probability, and that only a classifier of two classes has one.
func TestCutOff(t *testing.T) {
	t.Parallel()
	for threshold, want := range map[float64][]float64{0: {1, 1, 1}, 0.25: {0, 1, 1}, 0.2501: {0, 0, 1}, 1: {0, 0, 1}} {
		m, err := limit(byFeature{2}, threshold)
		if err != nil {
			t.Fatal(err)
		}
		var r predict.Result
		if err := m.Predict(&r, []float64{0, 0.25, 1}); err != nil || !slices.Equal(r.Predictions, want) {
			t.Errorf("threshold %v: got %v, %v; want %v", threshold, r.Predictions, err, want)
		}
	}
	for _, threshold := range []float64{-0.1, 1.1} {
		if _, err := limit(byFeature{2}, threshold); err == nil || !strings.Contains(err.Error(), "is no probability: write one from 0 to 1") {
			t.Errorf("threshold %v: got %v", threshold, err)
		}
	}
	if _, err := limit(byFeature{3}, 0.5); err == nil || !strings.Contains(err.Error(), "the model has 3 classes and 3 probabilities") {
		t.Errorf("three classes: got %v", err)
	}
}

// TestMLmodels checks which file an MLmodel file names as the model, and how the columns
// of its signature are read.
func TestMLmodels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"flavors:\n  sklearn:\n    pickled_model: m.pkl\n", "m.pkl"},
		{"flavors:\n  lightgbm:\n    data: ./model.lgb\n  xgboost:\n    data: a/../model.xgb\n", "model.xgb"},
		{"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: m.pkl\n", "m.pkl"},
		{"flavors:\n  sklearn: {}\n  python_function:\n    loader_module: mlflow.lightgbm\n    data: m.lgb\n", "m.lgb"},
		{"flavors:\n  python_function:\n    loader_module: mine\n    data: m\n", "an MLflow model of Python code of its own (mine)"},
		{"flavors:\n  python_function:\n    loader_module: mlflow.pytorch\n    data: m\n  pytorch: {}\n", "an MLflow model of the flavors python_function, pytorch, which are not read"},
		{"flavors: {}\n", "an MLflow model of Python code of its own ()"},
		{"flavors:\n  sklearn: [1]\n", "MLmodel: flavor sklearn: "},
		{"flavors: [", "yaml: "},
		{"a: &x 1\nb: *x\n", "a YAML alias"},
		{strings.Repeat("#", maxMLmodel+1), "bytes, at most"},
	} {
		m, err := parseMLmodel([]byte(c.text))
		got := ""
		if err == nil {
			got, err = m.file()
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || err == nil && got != c.want {
			t.Errorf("%.60q: got %s, want %s", c.text, got, c.want)
		}
	}
	if _, err := parseMLmodel([]byte(strings.Repeat("#", maxMLmodel))); err != nil {
		t.Errorf("the longest description: %v", err)
	}
	for inputs, want := range map[string]string{`[{"name": "a"}, {"name": "b"}]`: "[a b]", `[{"name": "a"}, {"type": "tensor"}]`: "[]", "": "[]"} {
		m := new(mlflowModel)
		if err := parseSignature(m, inputs); err != nil {
			t.Fatal(err)
		}
		list, err := m.columns()
		if err != nil || fmt.Sprint(append([]any{}, list.Items...)) != want {
			t.Errorf("%s: got %v, %v; want %s", inputs, list, err, want)
		}
	}
	m := new(mlflowModel)
	if err := parseSignature(m, "{"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.columns(); err == nil || !strings.Contains(err.Error(), "the signature's inputs: ") {
		t.Errorf("inputs that are no JSON: got %v", err)
	}
}

// parseSignature parses an MLmodel file with these inputs in its signature.
func parseSignature(into *mlflowModel, inputs string) error {
	m, err := parseMLmodel([]byte("signature:\n  inputs: '" + inputs + "'\n"))
	if err == nil {
		*into = *m
	}
	return err
}

// TestWithColumns checks that the columns of a signature are added to the file's value.
func TestWithColumns(t *testing.T) {
	t.Parallel()
	columns := &pickle.List{Items: []any{"a"}}
	entry := pickle.Entry{Key: "model", Value: int64(1)}
	dict, _ := withColumns(&pickle.Dict{Entries: []pickle.Entry{entry}}, columns).(*pickle.Dict)
	if v, ok := dict.Get("columns of the signature"); !ok || v != any(columns) || dict.Entries[0] != entry {
		t.Errorf("a dict: got %+v", dict)
	}
	alone, _ := withColumns(int64(1), columns).(*pickle.Dict)
	if !slices.Equal(alone.Entries, dict.Entries) {
		t.Errorf("a value alone: got %+v, want %+v", alone, dict)
	}
	tuple, _ := withColumns(&pickle.Tuple{Items: []any{int64(1)}}, columns).(*pickle.Tuple)
	list, _ := withColumns(&pickle.List{Items: []any{int64(1)}}, columns).(*pickle.List)
	if want := []any{int64(1), columns}; !slices.Equal(tuple.Items, want) || !slices.Equal(list.Items, want) {
		t.Errorf("a tuple and a list: got %+v and %+v, want %v", tuple, list, want)
	}
}
