package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/skops"
)

// files are the files of a zip file or folder. Names are separated by slashes.
type files interface {
	Names() []string // sorted
	Has(name string) bool
	Read(name string) ([]byte, error)
	Size() int // of all files, in bytes
}

// FeaturesFile is the name of the features file in a zip file or folder. Its name may also
// end with "." and FeaturesFile.
const FeaturesFile = "features.json"

// IsFeatures reports whether a file is a features file by its name.
func IsFeatures(name string) bool {
	base := path.Base(name)
	return base == FeaturesFile || strings.HasSuffix(base, "."+FeaturesFile)
}

// loadFiles returns the model in the files of a folder or zip file.
func loadFiles(all files, kind string, spec *features.Spec) (*Model, error) {
	for range 2 {
		if err := filesRefusal(all, kind); err != nil {
			return nil, err
		}
		all = inside(all)
	}
	spec, err := specOf(all, spec)
	if err != nil {
		return nil, err
	}
	if all.Has(mlmodel) {
		return loadMLflow(all, spec)
	}
	b := &filesBundle{files: all, kind: kind, steps: steps(spec), from: make(map[string]string)}
	m, err := sklearn.LoadValue(all.Size(), steps(spec), b.read)
	if err != nil {
		return nil, err
	}
	model, err := newModel(m, kind, spec)
	if err != nil {
		return nil, err
	}
	for _, taken := range m.Members() {
		model.parts = append(model.parts, Part{b.fileOf(taken.Key), taken.As})
	}
	return model, nil
}

// specOf returns the features file among the files, or spec if there is none.
func specOf(all files, spec *features.Spec) (*features.Spec, error) {
	found := slices.DeleteFunc(slices.Clone(all.Names()), func(n string) bool { return !IsFeatures(n) || strings.Contains(n, "/") })
	switch len(found) {
	case 0:
		return spec, nil
	case 1:
		data, err := all.Read(found[0])
		if err != nil {
			return nil, err
		}
		if isList(data) {
			return spec, nil
		}
		own, err := features.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", found[0], err)
		}
		return own, nil
	}
	return nil, fmt.Errorf("there are %d features files, %s: remove all but one", len(found), shorten(found))
}

// filesBundle reads the values in files.
type filesBundle struct {
	files
	kind  string
	steps []string
	from  map[string]string // by key of a value: the file that holds it
}

// fileOf returns the file that holds a member. The key of a member of a dict in a file is
// that of the file, a dot, and its key in the dict; if only one file has a value, it may be
// its key in the dict alone.
func (b *filesBundle) fileOf(key string) string {
	for outer := key; outer != ""; outer = outer[:max(0, strings.LastIndexByte(outer, '.'))] {
		if name, ok := b.from[outer]; ok {
			return name
		}
	}
	for _, name := range b.from {
		return name
	}
	return ""
}

// read returns a [sklearn.Folder] of the values in the files.
func (b *filesBundle) read(opt pickle.Options) (any, error) {
	folder := &sklearn.Folder{Kind: b.kind}
	for _, name := range b.Names() {
		entries, err := b.entries(name, opt)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, e := range entries {
			b.from[e.Key.(string)] = name
		}
		folder.Files = append(folder.Files, entries...)
	}
	if len(folder.Files) == 0 {
		return nil, noModel("this %s has no model's file (.pkl, .joblib, .skops, …) in it: it has %s", b.kind, shorten(b.Names()))
	}
	return folder, nil
}

// pickled are the suffixes of files that may hold a model or a part of one.
var pickled = []string{".pkl", ".pickle", ".joblib", ".sav", ".skops", ".pk", ".p", ".dump", ".model", ".gz", ".bz2", ".xz", ".lzma", ".z", ".lz4", ".ubj", ".xgb", ".lgb", ""}

// entries returns the values in a file. A file that cannot belong to a model has none.
func (b *filesBundle) entries(name string, opt pickle.Options) ([]pickle.Entry, error) {
	suffix := strings.ToLower(path.Ext(name))
	alone := len(b.Names()) == 1 // as pandas.to_pickle packs it, by the name of the zip file
	named := len(b.steps) > 0 && slices.Contains(b.steps, name)
	switch {
	case suffix == ".json" || suffix == ".txt":
		data, err := b.Read(name)
		switch {
		case err != nil:
			return nil, err
		case booster(data) != nil:
			return []pickle.Entry{{Key: name, Value: booster(data)}}, nil
		case suffix == ".txt":
			return textEntries(name, data), nil
		case IsFeatures(name) && !isList(data):
			return nil, nil
		}
		return jsonEntries(name, data), nil
	case !named && suffix != ".npy" && !slices.Contains(pickled, suffix) && !alone:
		return nil, nil
	}
	data, err := b.Read(name)
	if err != nil {
		return nil, err
	}
	if alone && !named && suffix != ".npy" && !slices.Contains(pickled, suffix) && !looksPickled(data) {
		return nil, nil
	}
	if suffix == ".npy" && numpy.Pickled(data) == nil { // a threshold, or the names of the columns
		array, err := numpy.ReadNPY(data)
		if err != nil {
			return nil, nil //nolint:nilerr // it is data, and no part of a model
		}
		return []pickle.Entry{{Key: name, Value: array}}, nil
	}
	v, err := readValue(data, opt)
	if err != nil {
		if suffix == "" && !named { // LICENSE, Makefile
			return nil, nil
		}
		return nil, err
	}
	return []pickle.Entry{{Key: name, Value: v}}, nil
}

// readValue returns the value in a file of pickle, joblib or skops.
func readValue(data []byte, opt pickle.Options) (any, error) {
	plain, unpackErr := unpack(data)
	if isZip(plain) {
		a, err := archive.Open(plain)
		switch {
		case err != nil && isTorch(plain):
			return nil, torch()
		case err != nil:
			return nil, noModel("this is a damaged or truncated zip file (%v): %s", err, writeAgain)
		case a.Has(skops.Schema):
			v, _, err := skops.Read(a, skops.Options{Allow: opt.Allow, Budget: opt.Budget})
			return v, err
		}
		return nil, errors.Join(filesRefusal(a, "zip file"), errors.New("a zip file inside a folder or zip file is not read: unpack it"))
	}
	if unpackErr != nil {
		return nil, explain(plain, unpackErr, unpackErr)
	}
	v, err := readPickle(plain, opt)
	if err != nil {
		return nil, explain(plain, nil, err)
	}
	return v, nil
}

// jsonEntries returns the values in a JSON file that may belong to a model: a list of
// columns, a number, or the lists and numbers in an object.
func jsonEntries(name string, data []byte) []pickle.Entry {
	const most = 1 << 20
	var v any
	if len(data) > most || json.Unmarshal(data, &v) != nil {
		return nil
	}
	switch v := v.(type) {
	case []any:
		return []pickle.Entry{{Key: name, Value: jsonList(v)}}
	case float64:
		return []pickle.Entry{{Key: name, Value: v}}
	}
	object, _ := v.(map[string]any)
	var entries []pickle.Entry
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch v := object[key].(type) {
		case float64:
			entries = append(entries, pickle.Entry{Key: key, Value: v})
		case []any:
			entries = append(entries, pickle.Entry{Key: key, Value: jsonList(v)})
		}
	}
	return entries
}

func jsonList(items []any) *pickle.List {
	list := new(pickle.List)
	for _, item := range items {
		if s, ok := item.(string); ok {
			list.Items = append(list.Items, s)
		} else {
			list.Items = append(list.Items, nil)
		}
	}
	return list
}

// isList reports whether a JSON file is a list. Then it is a list of columns and not a
// features file.
func isList(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n\xef\xbb\xbf"), []byte("["))
}

// textEntries returns the value in a text file: a number, or names separated by commas or
// line ends.
func textEntries(name string, data []byte) []pickle.Entry {
	text, ok := asText(data)
	if !ok || len(text) < len(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) {
		return nil
	}
	if number, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return []pickle.Entry{{Key: name, Value: number}}
	}
	list := new(pickle.List)
	for _, field := range strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == ',' }) {
		if field = strings.Trim(strings.TrimSpace(field), `"'`); field != "" {
			list.Items = append(list.Items, field)
		}
	}
	return []pickle.Entry{{Key: name, Value: list}}
}

// folder is a folder inside another one. It may contain a features file that is beside it.
type folder struct {
	files
	names []string
	paths map[string]string // by name: the name in files
}

func (f *folder) Names() []string                  { return f.names }
func (f *folder) Has(name string) bool             { return f.paths[name] != "" }
func (f *folder) Read(name string) ([]byte, error) { return f.files.Read(f.paths[name]) }

// outside is the inverse of [inside]: it returns the original name of a file.
func outside(all files, name string) string {
	for {
		f, ok := all.(*folder)
		if !ok {
			return name
		}
		all, name = f.files, f.paths[name]
	}
}

// inside returns the files without the name of the folder that contains all of them. Only a
// features file may be beside that folder.
func inside(all files) files {
	for range 3 {
		f := &folder{files: all, paths: make(map[string]string)}
		prefix := ""
		for _, name := range all.Names() {
			switch first, rest, deep := strings.Cut(name, "/"); {
			case first == "__MACOSX" || path.Base(name) == ".DS_Store":
			case !deep && IsFeatures(name):
				f.paths[name] = name
			case !deep || prefix != "" && prefix != first:
				return all
			default:
				prefix = first
				f.paths[rest] = name
			}
		}
		if prefix == "" {
			return all
		}
		f.names = slices.Sorted(maps.Keys(f.paths))
		all = f
	}
	return all
}
