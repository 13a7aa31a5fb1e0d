package artifact

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
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

// TestSignatures checks that each kind of file with a signature is recognized by the
// signature alone, and not by the signature without its last byte.
func TestSignatures(t *testing.T) {
	t.Parallel()
	for _, s := range signatures {
		data := strings.Repeat("\x01", s.at) + s.magic
		err := refusal([]byte(data))
		if err == nil || !strings.Contains(err.Error(), ": "+s.remedy) || !strings.HasPrefix(err.Error(), "this is ") || !errors.Is(err, ErrNoModel) || errors.Is(err, ErrPart) {
			t.Errorf("%q: got %v, want %s", data, err, s.what)
		}
		if err := refusal([]byte(data[:len(data)-1])); err != nil && strings.HasPrefix(err.Error(), "this is "+s.what) {
			t.Errorf("%q was taken for %s", data[:len(data)-1], s.what)
		}
	}
	for size, want := range map[string]string{"size 12345\n": " (12345 bytes)", "size 1": " (1 bytes)", "size x\n": "", "size 12345678901234567890\n": "", "": ""} {
		if got := pointed([]byte("version https://git-lfs.github.com/spec/v1\n" + size)); got != want {
			t.Errorf("a Git LFS pointer with %q: got %q, want %q", size, got, want)
		}
	}
	if got := pointed([]byte("size 1\n")); got != "" {
		t.Errorf("a text that is no Git LFS pointer: got %q, want nothing", got)
	}
}

// TestBinaryKinds checks the kinds of file that are recognized by their structure.
func TestBinaryKinds(t *testing.T) {
	t.Parallel()
	field := func(tag byte, content string) string { return string([]byte{tag, byte(len(content))}) + content }
	graph := field(7<<3|2, "g")
	safetensors := func(size uint64, rest string) string {
		return string(binary.LittleEndian.AppendUint64(nil, size)) + rest
	}
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"a zero", "\x00", "nothing but 1 zero bytes"},
		{"zeros", strings.Repeat("\x00", 5000), "nothing but 5000 zero bytes"},
		{"zeros, then a one", strings.Repeat("\x00", 5000) + "\x01", ""},
		{"a one among zeros", strings.Repeat("\x00", 4000) + "\x01" + strings.Repeat("\x00", 4000), ""},
		{"safetensors", safetensors(10, `{"a":1}   `), "a safetensors file"},
		{"a header to the end", safetensors(13, `{"a":`+"\x00"), "a safetensors file"},
		{"a header beyond the end", safetensors(14, `{"a":`+"\x00"), ""},
		{"a header that is no object", safetensors(10, `["a":1]`+"\x00"), ""},
		{"10 bytes", safetensors(2, `{"`), ""},
		{"onnx by its fields", "\x08\x08" + graph, "an ONNX model"},
		{"onnx with a model version", "\x28\x05" + graph, "an ONNX model"},
		{"onnx without a graph", "\x08\x08" + field(2<<3|2, "x") + "\x00\x00", ""},
		{"another field", "\x08\x08" + graph + field(9<<3|2, "x"), ""},
		{"a field of another type", "\x08\x08" + graph + "\x39\x01", ""},
		{"a graph beyond the end", "\x08\x08\x3a\x05abcd", ""},
		{"a graph to the end", "\x08\x08\x3a\x04abcd", "an ONNX model"},
		{"onnx by its producer", "\x08\x1f\x12\x07pytorch\xff\xff", "an ONNX model"},
		{"onnx by the start of its domain", "\x08\x00\x42\x07ai.custom\xff\xff", "an ONNX model"},
		{"onnx by its text", "\x08\x00\x1a\x07onnx\xff\xff", "an ONNX model"},
		{"onnx by its graph", "\x08\x00\x3a\x7fonnx\xff\xff", "an ONNX model"},
		{"onnx after 256 bytes", "\x08\x00\x3a\x7f" + strings.Repeat("\xff", 249) + "onnx", ""},
		{"onnx within 256 bytes", "\x08\x00\x3a\x7f" + strings.Repeat("\xff", 248) + "onnx", "an ONNX model"},
		{"another first field", "\x08\x00\x13\x7fonnx\xff\xff", ""},
		{"another type of first field", "\x09\x00\x12\x7fai.onnx\xff\xff", ""},
		{"a newer format", "\x08\x20\x12\x07pytorch\xff\xff", ""},
		{"onnx by its domain", "\x08\x07\xff\xff\xff\xff\xff\xff\xff\xff\xffai.onnx", "an ONNX model"},
		{"TensorFlow", "\x08\x01\xff\xff saved_model_main_op\xff", "a TensorFlow model (saved_model.pb)"},
		{"nothing known", "\x01\x02\x03\x04", ""},
	} {
		err := refusal([]byte(c.data))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestTexts checks what a text is called, which depends on how it begins.
func TestTexts(t *testing.T) {
	t.Parallel()
	model := "\x80\x04K\x01." + strings.Repeat("\x00", 20)
	long := strings.Repeat("ab cd\n", 1000)
	for _, c := range []struct{ name, text, want string }{
		{"blanks", " \n\t ", "blanks: "},
		{"html", "\n <!doctype HTML>", "an HTML page"},
		{"pmml", `<?xml version="1.0"?><PMML>`, "a PMML model"},
		{"pmml without declaration", "<PMML version='4'>", "a PMML model"},
		{"storage's error", `<?xml version="1.0"?><Error><Code>`, "the error that a storage service answered with"},
		{"xml", `<?xml version="1.0"?><a/>`, "an XML text"},
		{"notebook", `{"cells": []}`, "a notebook"},
		{"old notebook", `{"nbformat": 3}`, "a notebook"},
		{"cells elsewhere", `["cells"]`, "this is JSON"},
		{"hex", hex.EncodeToString([]byte(model)), "a model as hexadecimal text"},
		{"hex in lines", hex.EncodeToString([]byte(model))[:10] + "\n" + hex.EncodeToString([]byte(model))[10:], "a model as hexadecimal text"},
		{"hex of something else", strings.Repeat("00", 16), "this is base64 text, or another text without blanks"},
		{"base64", base64.StdEncoding.EncodeToString([]byte(model)), "a model as base64 text"},
		{"base64 of URLs", base64.URLEncoding.EncodeToString([]byte("\x80\x04\xff\xef\xbe" + model)), "a model as base64 text"},
		{"base64 in lines", base64.StdEncoding.EncodeToString([]byte(model))[:20] + "\r\n" + base64.StdEncoding.EncodeToString([]byte(model))[20:], "a model as base64 text"},
		{"base64 of a zip file", base64.StdEncoding.EncodeToString([]byte("PK\x03\x04" + model)), "a model as base64 text"},
		{"16 letters", "abcdefghijklmnop", "this is base64 text, or another"},
		{"15 letters", "abcdefghijklmno", `this is a text of 15 bytes, not a model: it begins with "abcdefghijklmno"`},
		{"script", "#!/usr/bin/env python\nfrom sklearn import svm", "a Python script"},
		{"answer", `{"error": {"code": 404}}`, `the answer of a web service, not a model: it begins with "{\"error\": {\"code\": 404}}"`},
		{"json", "[1]", "this is JSON"},
		{"settings", "# of the model\nname: x\n", "a text of settings (YAML)"},
		{"table", "a;b\n1;2\n", "a table of text (CSV)"},
		{"a table of one line", "a;b", "a text of 3 bytes"},
		{"long line", strings.Repeat("ü ", 30), `it begins with "` + strings.Repeat("ü ", 20) + `…"`},
		{"long text", long, "a text of 6000 bytes"},
		{"utf-16", "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00", "a table of text (CSV)"},
		{"utf-16, big-endian", "\xfe\xff\x00[\x00]", "this is JSON"},
		{"utf-8 with a byte order mark", "\xef\xbb\xbf[]", "this is JSON"},
		{"a form feed", "a\fb", "a text of 3 bytes"},
		{"a character of two bytes across 4096 bytes", strings.Repeat("x ", 2047) + "x" + "ü" + strings.Repeat("x ", 10), "a text of 4117 bytes"},
		{"a character of four bytes across 4096 bytes", strings.Repeat("x ", 2046) + "x" + "\U0001f600" + strings.Repeat("x ", 10), "a text of 4117 bytes"},
	} {
		if err := refusal([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	for _, data := range []string{"a\x01b", "a\x1fb", "a\x0bb", "a\xff", "\xc3"} {
		if err := refusal([]byte(data)); err != nil {
			t.Errorf("%q was taken for a text: %v", data, err)
		}
	}
	for text, want := range map[string]string{"8004": "\x80\x04", "80 04 4b": "\x80\x04K", "800": "\x80", "80x4": "\x80", "": "", strings.Repeat("41", 40): strings.Repeat("A", 32)} {
		if got := string(unhex(text)); got != want {
			t.Errorf("unhex(%s) = %q, want %q", text, got, want)
		}
	}
	for data, want := range map[string]bool{"\x80\x02.": true, "\x80\x02": false, "\x80\x01.": false, "\x80\x13.": true, "\x80\x14.": false, "\x81\x02.": false} {
		if looksPickled([]byte(data)) != want {
			t.Errorf("looksPickled(%q) = %v, want %v", data, !want, want)
		}
	}
}

// TestClipping checks that long texts and lists are cut in messages.
func TestClipping(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "äbc": "äbc", "äbcd": "äbc…"} {
		if got := clip(text, 3); got != want {
			t.Errorf("clip(%s) = %s, want %s", text, got, want)
		}
	}
	for n, want := range map[int]string{0: "", 1: "0", 6: "0, 1, 2, 3, 4, 5", 7: "0, 1, 2, 3, 4, 5, …"} {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		if got := shorten(names); got != want {
			t.Errorf("%d names: got %s, want %s", n, got, want)
		}
	}
	if got, want := shorten([]string{strings.Repeat("a", 31)}), strings.Repeat("a", 30)+"…"; got != want {
		t.Errorf("a name of 31 bytes: got %s, want %s", got, want)
	}
	if got, want := shapeText([]int{2, 30}), "2 × 30"; got != want {
		t.Errorf("a shape: got %s, want %s", got, want)
	}
}

// TestNotModel checks that the error says what a value without an estimator is, and
// what to do.
func TestNotModel(t *testing.T) {
	t.Parallel()
	estimator := &pickle.Object{Class: pickle.Global{Module: "sklearn.svm", Name: "SVC"}}
	list := func(items ...any) *pickle.List { return &pickle.List{Items: items} }
	in := func(depth int, v any) any {
		for range depth {
			v = list(v)
		}
		return v
	}
	for _, c := range []struct {
		value any
		want  string
		part  bool
	}{
		{estimator, "", false},
		{in(3, estimator), "", false},
		{in(3, int64(1)), "the file holds a list of 1, and no model in it", false},
		{in(4, int64(1)), "", false}, // nested too deep to be searched
		{&pickle.Refused{}, "", false},
		{list(int64(1), &pickle.Refused{}), "", false},
		{&pickle.Dict{Entries: []pickle.Entry{{Key: "a", Value: estimator}}}, "", false},
		{&pickle.Dict{Entries: []pickle.Entry{{Key: "a", Value: int64(1)}, {Key: int64(2), Value: nil}}}, "the file holds a dict of a, 2, and no model in it", false},
		{&pickle.Dict{}, "the file holds an empty dict, and no model in it", false},
		{list(), "an empty list", false},
		{&pickle.Tuple{}, "an empty tuple", false},
		{&pickle.Tuple{Items: []any{int64(1), int64(2)}}, "a tuple of 2", false},
		{&pickle.Set{Items: []any{int64(1)}}, "a set of 1", false},
		{&pickle.Set{Items: []any{"a"}}, "a set of 1 texts (a), which may be a model's columns", true},
		{list("a", "b"), "a list of 2 texts (a, b), which may be a model's columns, but is no model: put it into one folder", true},
		{list("a", int64(1)), "a list of 2, and no model in it", false},
		{nil, "the file holds None", false},
		{"hello", `the file holds the text "hello"`, false},
		{true, "the number true", true},
		{int64(7), "the number 7, not a model: if it is a threshold", true},
		{0.5, "the number 0.5", true},
		{[]byte("abc"), "the file holds 3 bytes", false},
		{estimator.Class, "the name of a function or class (sklearn.svm.SVC)", false},
		{&pickle.Object{Class: pickle.Global{Module: "sklearn.preprocessing._label", Name: "LabelEncoder"}}, "a LabelEncoder, the names of a model's classes", true},
		{&pickle.Object{Class: pickle.Global{Module: "mine", Name: "LabelEncoder"}}, "", false},
	} {
		err := notModel(c.value)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrPart) != c.part || !errors.Is(err, ErrNoModel)) {
			t.Errorf("%v: got %v, want %q", c.value, err, c.want)
		}
	}
}

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

// TestFolders checks that files are named by their paths below the folder that all
// share, that hidden files are left out, and that a folder of over 1,000 files is refused.
func TestFolders(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{}
	for _, name := range []string{"m/a/x.pkl", "m/a/b/y.pkl", "m/.git/z", "m/.hidden", ".hidden/m/a/u.pkl"} {
		dir[name] = &fstest.MapFile{Data: []byte(name)}
	}
	f, err := openFolder(dir)
	if err != nil || !slices.Equal(f.Names(), []string{"b/y.pkl", "x.pkl"}) || f.Size() != len("m/a/x.pkl")+len("m/a/b/y.pkl") || !f.Has("x.pkl") || f.Has("y.pkl") {
		t.Fatalf("got %+v, %v", f, err)
	}
	if data, err := f.Read("b/y.pkl"); err != nil || string(data) != "m/a/b/y.pkl" {
		t.Errorf("read %s, %v; want m/a/b/y.pkl", data, err)
	}
	for _, c := range []struct {
		paths string
		want  string
	}{{"a", "a"}, {"m/a m/b", "a b"}, {"m/a n/b", "m/a n/b"}, {"ma/x mb/y", "ma/x mb/y"}, {"m/a/x m/b", "a/x b"}, {"m/a/x m/ab/y", "a/x ab/y"}, {"x m/a", "m/a x"}} {
		all := fstest.MapFS{}
		for name := range strings.FieldsSeq(c.paths) {
			all[name] = &fstest.MapFile{}
		}
		if s, err := newSelection(all, strings.Fields(c.paths)); err != nil || strings.Join(s.Names(), " ") != c.want {
			t.Errorf("%s: got %v, %v; want %s", c.paths, s.Names(), err, c.want)
		}
	}
	if _, err := newSelection(dir, []string{"m/a/x.pkl", "m/none"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist", err)
	}
	many := fstest.MapFS{}
	for i := range maxFolder {
		many[fmt.Sprint("m/", i)] = &fstest.MapFile{}
	}
	if f, err := openFolder(many); err != nil || len(f.Names()) != 1000 {
		t.Errorf("1,000 files: %v", err)
	}
	many["m/more"] = &fstest.MapFile{}
	if _, err := openFolder(many); !errors.Is(err, pickle.ErrLimit) || !strings.Contains(err.Error(), "a folder of over 1000 files") {
		t.Errorf("1,001 files: %v, want pickle.ErrLimit", err)
	}
}

// TestTextFiles checks how text and JSON files beside a model are read: as a number, or
// as names.
func TestTextFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" 0.5\n": "0.5", "a\nb\n": "[a b]", "a, 'b' ,\"c\"\r\n": "[a b c]", "\xef\xbb\xbfa,b": "[a b]", "": "[]", "a,,\n\n": "[a]", "a\x00b": "", strings.Repeat("ab,", 1366): "",
	} {
		entries := textEntries("columns.txt", []byte(text))
		got := ""
		if len(entries) == 1 {
			got = fmt.Sprint(entries[0].Value)
			if l, ok := entries[0].Value.(*pickle.List); ok {
				got = fmt.Sprint(append([]any{}, l.Items...))
			}
		}
		if got != want {
			t.Errorf("%.40q: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`["a", 1, null]`: "f.json=[a <nil> <nil>]", "0.5": "f.json=0.5", `{"b": [ "x" ], "a": 2, "c": "y", "d": {}}`: "a=2 b=[x]", "{": "", `"a"`: "", "[" + strings.Repeat(" ", 1<<20-2) + "]": "f.json=[]", "[" + strings.Repeat(" ", 1<<20-1) + "]": "",
	} {
		var got []string
		for _, e := range jsonEntries("f.json", []byte(text)) {
			if l, ok := e.Value.(*pickle.List); ok {
				e.Value = append([]any{}, l.Items...)
			}
			got = append(got, fmt.Sprintf("%v=%v", e.Key, e.Value))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%.40q: got %s, want %s", text, s, want)
		}
	}
	for name, want := range map[string]bool{"features.json": true, "m/features.json": true, "pump.features.json": true, "myfeatures.json": false, "features.json.bak": false} {
		if IsFeatures(name) != want {
			t.Errorf("IsFeatures(%s) = %v, want %v", name, !want, want)
		}
	}
	for text, want := range map[string]bool{"[1]": true, " \n\xef\xbb\xbf[": true, "{}": false, "": false} {
		if isList([]byte(text)) != want {
			t.Errorf("isList(%q) = %v, want %v", text, !want, want)
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
