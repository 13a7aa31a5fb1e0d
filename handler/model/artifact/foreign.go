package artifact

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// ErrNoModel is wrapped by errors for files that hold no model, or one of a kind that is
// not supported.
var ErrNoModel = errors.New("no model")

// ErrPart is wrapped by errors for files that hold only a part of a model: a transformer,
// the names of columns or classes, a threshold.
var ErrPart = errors.New("a part of a model")

// foreign is an error that says what a file is, and what to do instead.
type foreign struct {
	text string
	part bool // wraps ErrPart
}

func (e *foreign) Error() string { return e.text }
func (e *foreign) Is(target error) bool {
	return target == ErrNoModel || target == ErrPart && e.part
}

func partOfModel(format string, args ...any) error {
	return &foreign{fmt.Sprintf(format, args...), true}
}

func noModel(format string, args ...any) error { return &foreign{text: fmt.Sprintf(format, args...)} }

// Remedies of several errors.
const (
	writeEstimator = sklearn.WriteEstimator
	noNetworks     = "neural networks are not scored here: " + writeEstimator
	writeAgain     = "copy it again in binary mode, or write it again"
)

// signatures recognise files that are no models by their bytes at an offset.
var signatures = []struct {
	at     int
	magic  string
	what   string
	remedy string
}{
	{0, "version https://git-lfs.github.com", "a Git LFS pointer, which stands for the model but is not it", "run git lfs pull, then take the file that has come in its place"},
	{0, "version https://hawser.github.com", "a Git LFS pointer, which stands for the model but is not it", "run git lfs pull, then take the file that has come in its place"},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras, PyTables and MATLAB 7.3 write them", noNetworks},
	{0, "MATLAB 5.0 MAT-file", "a MATLAB file", writeEstimator},
	{0, "MATLAB 7.3 MAT-file", "a MATLAB file", writeEstimator},
	{0, "\x93NUMPY", "a numpy array (.npy), not an estimator", writeEstimator},
	{0, "RDX2\n", "a file of R", writeEstimator},
	{0, "RDX3\n", "a file of R", writeEstimator},
	{0, "X\n\x00\x00\x00", "a file of R (.rds)", writeEstimator},
	{0, "A\n", "a file of R (.rds)", writeEstimator},
	{0, "GGUF", "a language model (GGUF)", noNetworks},
	{4, "TFL3", "a TensorFlow Lite model", noNetworks},
	{0, "CBM1", "a CatBoost model", "CatBoost is not read: fit the same with XGBoost, LightGBM or scikit-learn's HistGradientBoosting"},
	{0, "PAR1", "a Parquet file, which is data and not a model", writeEstimator},
	{0, "ARROW1", "an Arrow file, which is data and not a model", writeEstimator},
	{0, "FEA1", "a Feather file, which is data and not a model", writeEstimator},
	{0, "SQLite format 3\x00", "an SQLite database", writeEstimator},
	{0, "\x7fELF", "a program or shared library", writeEstimator},
	{0, "MZ", "a Windows program", writeEstimator},
	{0, "%PDF", "a PDF document", writeEstimator},
	{0, "\x89PNG", "an image (PNG)", writeEstimator},
	{0, "\xff\xd8\xff", "an image (JPEG)", writeEstimator},
	{0, "Rar!", "a RAR archive", "unpack it, and take the model out of it"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, and take the model out of it"},
	{0, "\x28\xb5\x2f\xfd", "a file compressed by zstd", "unpack it with zstd -d: joblib's own compressions are read (zlib, gzip, bz2, lzma, xz, lz4)"},
	{257, "ustar", "a tar archive", "unpack it, and publish the folder or the model in it"},
	{0, "\xac\xed\x00\x05", "an object of Java", writeEstimator},
	{0, "-----BEGIN PGP MESSAGE", "a file encrypted by GnuPG", "decrypt it first: gpg -d FILE > model.pkl"},
	{0, "-----BEGIN ", "a key or certificate (PEM), not a model", "remove it from the folder"},
	{0, "Salted__", "a file encrypted by OpenSSL", "decrypt it first: openssl enc -d"},
	{0, "gAAAAA", "a file encrypted by Fernet, of Python's cryptography", "decrypt it first: Fernet(key).decrypt(data)"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file, which is data and not a model", writeEstimator},
	{0, "\xc2\x80", "a pickle that was encoded as a text, and is damaged by that", "write it again in binary mode: open(name, 'wb')"},
}

// refusal returns an error that says what data is, or nil if its format is not known.
func refusal(data []byte) error {
	if len(data) == 0 {
		return noModel("the file is empty: a full disk or a copy that was cut off leaves such files; %s", writeAgain)
	}
	for _, s := range signatures {
		if len(data) >= s.at && bytes.HasPrefix(data[s.at:], []byte(s.magic)) {
			return noModel("this is %s%s: %s", s.what, pointed(data), s.remedy)
		}
	}
	switch {
	case allZero(data):
		return noModel("the file is nothing but %d zero bytes: a copy that was cut off leaves such files; %s", len(data), writeAgain)
	case isSafetensors(data):
		return noModel("this is a safetensors file, the weights of a neural network: %s", noNetworks)
	case isONNX(data):
		return noModel("this is an ONNX model: ONNX is not read; take the estimator that it was converted from, and %s", writeEstimator)
	case isSavedModel(data):
		return noModel("this is a TensorFlow model (saved_model.pb): %s", noNetworks)
	}
	if text, ok := asText(data); ok {
		return textRefusal(text, len(data))
	}
	return nil
}

// IsOther reports whether data begins like a file that is of another kind than a model and
// stands for none: a notebook, a script, a table, settings, an image. A Git LFS pointer, an
// encrypted or an empty file is not of another kind: a model is to be had in its place.
func IsOther(data []byte) bool {
	err := refusal(data)
	return err != nil && strings.HasSuffix(err.Error(), writeEstimator)
}

// pointed returns " (N bytes)", the size of the file that a Git LFS pointer stands for, or
// "".
func pointed(data []byte) string {
	m := lfsSize.FindSubmatch(data[:min(len(data), 1024)])
	if m == nil || !bytes.HasPrefix(data, []byte("version ")) {
		return ""
	}
	return " (" + string(m[1]) + " bytes)"
}

var lfsSize = regexp.MustCompile(`(?m)^size (\d{1,19})$`)

func allZero(data []byte) bool {
	return len(bytes.TrimLeft(data[:min(len(data), 4096)], "\x00")) == 0 && data[len(data)-1] == 0
}

// isSafetensors recognises safetensors: the length of a JSON object in 8 bytes, then the
// object.
func isSafetensors(data []byte) bool {
	return len(data) > 10 && binary.LittleEndian.Uint64(data) < uint64(len(data)) && data[8] == '{' && data[9] == '"'
}

// isONNX recognises the Protocol Buffers message ModelProto of ONNX. Its field ir_version
// comes first, and producer_name or opset_import next.
func isONNX(data []byte) bool {
	if isModelProto(data) {
		return true
	}
	if len(data) <= 4 || data[0] != 0x08 || data[1] >= 0x20 {
		return false
	}
	const fields = "\x12\x1a\x3a\x42"
	if strings.IndexByte(fields, data[2]) >= 0 && onnxWords.Match(data[:min(len(data), 256)]) {
		return true
	}
	return bytes.Contains(data, []byte("ai.onnx"))
}

var onnxWords = regexp.MustCompile(`onnx|pytorch|ai\.`)

// isModelProto reports whether data has only fields of a ModelProto, and a graph among them
// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
func isModelProto(data []byte) bool {
	const graph = 7
	texts := []uint64{2, 3, 4, 6, graph, 8, 14, 20, 25, 26}
	found := false
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return false
		}
		value, size := binary.Uvarint(data[n:])
		if size <= 0 {
			return false
		}
		data = data[n+size:]
		switch field, wire := tag>>3, tag&7; {
		case wire == 0 && (field == 1 || field == 5):
		case wire == 2 && slices.Contains(texts, field) && value <= uint64(len(data)):
			data = data[value:]
			found = found || field == graph
		default:
			return false
		}
	}
	return found
}

func isSavedModel(data []byte) bool {
	return len(data) > 4 && data[0] == 0x08 && data[1] == 0x01 && bytes.Contains(data[:min(len(data), 1<<16)], []byte("saved_model_main_op"))
}

// asText returns the beginning of data as a string, and false if data is not UTF-8 or UTF-16
// text.
func asText(data []byte) (string, bool) {
	head := data[:min(len(data), 4096)]
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return strings.ToValidUTF8(strings.ReplaceAll(string(head[2:]), "\x00", ""), ""), true
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	text := string(head)
	if len(data) > len(head) { // a character may be cut
		for range utf8.UTFMax {
			if r, size := utf8.DecodeLastRuneInString(text); r == utf8.RuneError && size == 1 {
				text = text[:len(text)-1]
			}
		}
	}
	if !utf8.ValidString(text) {
		return "", false
	}
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' {
			return "", false
		}
	}
	return text, true
}

var (
	markup      = regexp.MustCompile(`(?i)^\s*(<!doctype html|<html|<head|<body|<!--)`)
	python      = regexp.MustCompile(`(?m)^\s*(import \w+|from \w[\w.]* import |def \w+\(|class \w+)`)
	separated   = regexp.MustCompile(`^[^\n]*[,;\t][^\n]*(\r?\n[^\n]*[,;\t][^\n]*)+`)
	base64Text  = regexp.MustCompile(`^[A-Za-z0-9+/_\r\n-]+=*\s*$`)
	hexText     = regexp.MustCompile(`^[0-9a-fA-F\s]+$`)
	answer      = regexp.MustCompile(`^\s*\{\s*"(error|errors|message|detail|code|status)"\s*:`)
	keyed       = regexp.MustCompile(`^\s*(#[^\n]*\n|---\n)*[A-Za-z_][\w-]*:( [^\n]*)?(\r?\n|$)`)
	dumpedTrees = regexp.MustCompile(`^\s*\[\s*("?\s*\{\s*\\?"nodeid\\?":|"\d+:\[)`)
	dictText    = regexp.MustCompile(`^\s*[{\[]`)
)

// textRefusal returns an error that says what a text is. The text may be cut off.
func textRefusal(text string, size int) error {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return noModel("the file has only blanks: %s", writeAgain)
	case markup.MatchString(text):
		return noModel("this is an HTML page, not a model: what was downloaded is a page about the file, an error or a sign-in; download the file itself (on GitHub: Raw)")
	case strings.HasPrefix(trimmed, "<?xml") || strings.HasPrefix(trimmed, "<PMML"):
		if strings.Contains(text, "PMML") {
			return noModel("this is a PMML model: PMML is not read; take the estimator that it was converted from, and %s", writeEstimator)
		}
		if strings.Contains(text, "<Error>") {
			return noModel("this is the error that a storage service answered with, not a model: download the file again, with the right to read it")
		}
		return noModel("this is an XML text, not a model: %s", writeEstimator)
	case strings.HasPrefix(trimmed, "{") && strings.Contains(text, `"nbformat"`) || strings.HasPrefix(trimmed, "{") && strings.Contains(text, `"cells"`):
		return noModel("this is a notebook, not a model: run it, and in it %s", writeEstimator)
	case hexText.MatchString(trimmed) && len(trimmed) >= 32 && looksPickled(unhex(trimmed)):
		return noModel("this is a model as hexadecimal text: turn it into bytes first, xxd -r -p FILE model.pkl")
	case len(trimmed) >= 16 && base64Text.MatchString(trimmed):
		return base64Refusal(trimmed)
	case python.MatchString(text):
		return noModel("this is a Python script, not a model: run it, and in it %s", writeEstimator)
	case answer.MatchString(text):
		return noModel("this is the answer of a web service, not a model: it begins with %s; download the file again, with the right to read it", strconv.Quote(clip(firstLine(trimmed), 60)))
	case strings.HasPrefix(trimmed, "booster[0]"), dumpedTrees.MatchString(text):
		return noModel("these are the trees of an XGBoost model, as dump_model and get_dump write them to be read by people: a model is not to be had from it; use save_model, which writes all of it")
	case strings.HasPrefix(trimmed, "{") && strings.Contains(text, `"tree_info"`) || strings.HasPrefix(trimmed, "{") && strings.Contains(text, `"name": "tree"`):
		return noModel("this is a LightGBM model as dump_model gives it: save it with booster_.save_model('model.txt') instead")
	case strings.HasPrefix(trimmed, "{") && strings.Contains(text, `"keras_version"`), strings.HasPrefix(trimmed, `{"class_name": "Sequential"`), strings.HasPrefix(trimmed, `{"class_name": "Functional"`), strings.HasPrefix(trimmed, `{"module": "keras`):
		return noModel("this is the structure of a Keras model, without its weights: %s", noNetworks)
	case strings.HasPrefix(trimmed, "{") && (strings.Contains(text, `"oblivious_trees"`) || strings.Contains(text, `"ctr_data"`) || strings.Contains(text, `"features_info"`)):
		return noModel("this is a CatBoost model as JSON: CatBoost is not read: fit the same with XGBoost, LightGBM or scikit-learn's HistGradientBoosting")
	case dictText.MatchString(text):
		return noModel("this is JSON, but no XGBoost model: %s", writeEstimator)
	case keyed.MatchString(text):
		return noModel("this is a text of settings (YAML), not a model: %s", writeEstimator)
	case separated.MatchString(text):
		return noModel("this is a table of text (CSV), which is data and not a model: %s", writeEstimator)
	}
	return noModel("this is a text of %d bytes, not a model: it begins with %s; %s", size, strconv.Quote(clip(firstLine(trimmed), 40)), writeEstimator)
}

// base64Refusal returns an error that says what a base64 text holds.
func base64Refusal(text string) error {
	compact := strings.NewReplacer("\n", "", "\r", "", "-", "+", "_", "/").Replace(text)
	raw, _ := base64.StdEncoding.DecodeString(compact[:len(compact)/4*4])
	if len(raw) == 0 {
		raw, _ = base64.StdEncoding.DecodeString(compact[:min(len(compact)/4*4, 1024)])
	}
	if looksPickled(raw) || bytes.HasPrefix(raw, []byte(archive.Magic)) {
		return noModel("this is a model as base64 text: decode it first, base64 -d FILE > model.pkl")
	}
	return noModel("this is base64 text, or another text without blanks, not a model: decode it, base64 -d FILE > model.pkl, and see what comes out")
}

func unhex(text string) []byte {
	var raw []byte
	fields := strings.Join(strings.Fields(text), "")
	for i := 0; i+1 < min(len(fields), 64); i += 2 {
		n, err := strconv.ParseUint(fields[i:i+2], 16, 8)
		if err != nil {
			return raw
		}
		raw = append(raw, byte(n))
	}
	return raw
}

// looksPickled reports whether data begins like a pickle of protocol 2 or later.
func looksPickled(data []byte) bool {
	return len(data) > 2 && data[0] == 0x80 && data[1] >= 2 && data[1] < 20
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// clip returns the beginning of a text, at most n characters.
func clip(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n]) + "…"
}

// isTorch reports whether a zip file is PyTorch's, by the name of its first file.
func isTorch(data []byte) bool {
	return bytes.Contains(data[:min(len(data), 256)], []byte("/data.pkl"))
}

func torch() error { return noModel("this is a PyTorch model: %s", noNetworks) }

// filesRefusal returns an error that says what a zip file or folder is, if it is known to be
// no supported model.
func filesRefusal(all files, kind string) error {
	names := all.Names()
	ends := func(suffix string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, suffix) })
	}
	every := func(suffix string) bool {
		return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !strings.HasSuffix(n, suffix) })
	}
	switch {
	case all.Has(mlmodel):
		return nil
	case len(names) == 0:
		return noModel("this %s is empty: %s", kind, writeAgain)
	case ends("/data.pkl"):
		return torch()
	case ends("model.weights.h5"), ends("keras_metadata.pb"):
		return noModel("this is a Keras model: %s", noNetworks)
	case ends("saved_model.pb"), ends("saved_model.pbtxt"):
		return noModel("this is a TensorFlow model (SavedModel): %s", noNetworks)
	case every(".npy") && !slices.ContainsFunc(names, func(n string) bool { data, err := all.Read(n); return err == nil && numpy.Pickled(data) != nil }):
		return noModel("this is a file of numpy arrays (.npz), not an estimator: %s", writeEstimator)
	case slices.Contains(names, "[Content_Types].xml") && ends("workbook.xml"):
		return noModel("this is an Excel workbook, which is data and not a model: %s", writeEstimator)
	case slices.Contains(names, "[Content_Types].xml"), slices.Contains(names, "mimetype"):
		return noModel("this is an Office document, not a model: %s", writeEstimator)
	case slices.Contains(names, "META-INF/MANIFEST.MF"):
		return noModel("this is a Java archive: %s", writeEstimator)
	case ends("metadata/part-00000"):
		return noModel("this is a model of Spark: fit the same with scikit-learn, XGBoost or LightGBM, and %s", writeEstimator)
	case ends("model.safetensors"), ends("pytorch_model.bin"):
		return noModel("this is a neural network of the transformers library: %s", noNetworks)
	}
	return nil
}
