package artifact

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
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
