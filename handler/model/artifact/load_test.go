package artifact_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// goType matches what Go prints of its own types.
var goType = regexp.MustCompile(`\*pickle|\*numpy|<nil>|int64|float64|map\[|\[\]|interface|struct \{`)

// checkMessage checks that an error for users is one line and names no Go type.
func checkMessage(t *testing.T, name string, err error) {
	t.Helper()
	if text := err.Error(); goType.MatchString(text) || strings.Contains(text, "\n") {
		t.Errorf("%s: the error names a Go type, or has several lines: %s", name, text)
	}
}

// TestNoModel checks that the error says what a file is that is no model.
func TestNoModel(t *testing.T) {
	t.Parallel()
	zipped := func(names ...string) string {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range names {
			if _, err := w.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, tc := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"zeros", strings.Repeat("\x00", 5000), "5000 zero bytes"},
		{"lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS pointer, which stands for the model but is not it (12345 bytes): run git lfs pull"},
		{"html", "<!DOCTYPE html><html><body>Not found</body></html>", "an HTML page"},
		{"base64", "gASVBwAAAAAAAACMA2FiY5Qu", "base64 -d"},
		{"hdf5", "\x89HDF\r\n\x1a\n\x00\x00", "an HDF5 file, as Keras"},
		{"onnx", "\x08\x08\x12\x08skl2onnx\x00\x00", "an ONNX model"},
		{"torch", "PK\x03\x04archive/data.pkl\x00\x00", "a PyTorch model"},
		{"zip of torch", zipped("m/data.pkl", "m/version"), "a PyTorch model"},
		{"zip of keras", zipped("config.json", "model.weights.h5"), "a Keras model"},
		{"npz", zipped("a.npy", "b.npy"), "numpy arrays (.npz)"},
		{"another zip", zipped("README.md"), "no model's file (.pkl, .joblib"},
		{"half a zip", zipped("schema.json")[:40], "damaged or truncated zip file"},
		{"npy", "\x93NUMPY\x01\x00", "a numpy array"},
		{"csv", "a,b\n1,2\n3,4\n", "a table of text (CSV)"},
		{"csv that begins like zlib", "x,b\n1,2\n3,4\n", "a table of text (CSV)"},
		{"script", "import joblib\nmodel = 1\n", "a Python script"},
		{"json", "{\"a\": 1}", "JSON, but no XGBoost model"},
		{"a call in protocol 0", "cos\nsystem\n(S'ls'\ntR.", "a call of os.system is not supported"},
		{"None", "\x80\x04N.", "the file holds None"},
		{"a string", "\x80\x04\x8c\x05hello.", `the file holds the text "hello"`},
		{"a list", "\x80\x04]\x8c\x01aa.", "a list of 1 texts (a), which may be a model's columns"},
		{"truncated", "\x80\x04\x95\x00\x10\x00\x00\x00\x00\x00\x00}", "the file ends too early"},
		{"newer protocol", "\x80\x09N.", "protocol 9 is not supported"},
	} {
		_, err := artifact.Load([]byte(tc.data), nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
			continue
		}
		checkMessage(t, tc.name, err)
	}
	if _, err := artifact.Load(nil, nil); !errors.Is(err, artifact.ErrNoModel) {
		t.Errorf("no data: got %v, want ErrNoModel", err)
	}
}
