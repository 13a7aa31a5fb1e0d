package publish

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// folder returns a folder of empty files.
func folder(names ...string) fstest.MapFS {
	dir := make(fstest.MapFS)
	for _, name := range names {
		dir[name] = &fstest.MapFile{}
	}
	return dir
}

// TestFind checks which files are models of what, by their names, and which are none.
func TestFind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, names, want, others string
	}{
		{"", "", "", ""},
		{"", "1/2.pkl 1/3.joblib 1/4 default.pkl README.md", "default 1/2 1/3 1/4", "README.md"},
		{"", "model_1_2 model_1_10.pkl .git/config", "1/10 1/2", ""},
		{"", "pump.a/x-1.pkl a/b/c.txt", "pump.a/x-1", "a/b/c.txt"},
		{"", "site%2Fline/ns%3D2%3Bs%3DT.joblib Pump%C3%A9/m.pkl.pkl 50%/t.pkl model_%5Fa_1.pkl", "50%/t Pumpé/m.pkl _a/1 site%2Fline/ns=2;s=T", ""},
		{"", "a/b/model.pkl a/b/scaler.pkl a/c/model/MLmodel _fleet/health/m.joblib a/d/e/notes.txt", "_fleet/health a/b a/c", "a/d/e/notes.txt"},
		{"", "a/1.skops a/2.zip a/3.sav a/4.pickle default.zip devices.csv _fleet/health.zip _fleet/50%.pkl", "default devices.csv _fleet/50% _fleet/health a/1 a/2 a/3 a/4", ""},
		{"", "a/1.pkl a/1.features.json a/2.features.json a/feature_columns.json b/columns.txt features.json", "a/1", "a/2.features.json b/columns.txt features.json"},
		{"{device}-{sensor}.pkl", "a-b.pkl c.pkl a-b.txt default.joblib", "default a/b", "a-b.txt c.pkl"},
		{"{sensor}@{device}", "b@a", "a/b", ""},
		{"site/{device}/{sensor}/model.joblib", "site/1/2/model.joblib site/1/2/old.joblib", "1/2", "site/1/2/old.joblib"},
		{"./m/{device}.{sensor}.pkl", "m/1.2.pkl", "1/2", ""},
	} {
		files, others, err := Find(folder(strings.Fields(tc.names)...), tc.pattern)
		var got []string
		for _, f := range files {
			got = append(got, f.String())
		}
		if err != nil || strings.Join(got, " ") != tc.want || strings.Join(others, " ") != tc.others {
			t.Errorf("Find(%s, %q) = %v, %v, %v; want %s, others %s", tc.names, tc.pattern, got, others, err, tc.want, tc.others)
		}
	}
}

// TestFindTooHigh checks that the folder above the folder of models is refused.
func TestFindTooHigh(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ names, pattern, want string }{
		{"README.md models/pump-1/temperature.pkl", "", "by models/pump-1/temperature.pkl, the folder models would be a device: name this folder, models"},
		{"notebooks/old.pkl Saved-Models/model_1_2.pkl", "", "the folder Saved-Models would be a device: name this folder"},
		{"src/a.pkl p/t.pkl", "", "the folder src would be a device: name a folder that has nothing but models in it"},
		{"plant/_fleet/health.zip", "", "the folder plant would be a device: name this folder, plant"},
		{"models/temperature.pkl", "{device}/{sensor}.pkl", ""},
		{"plant/%5Ffleet.pkl", "", ""}, // a sensor of that name
		{"models.1/t.pkl modeller/t.pkl source/t.pkl _fleet/models.zip pump/models.pkl model_models_t.pkl src.pkl", "", ""},
	} {
		_, _, err := Find(folder(strings.Fields(tc.names)...), tc.pattern)
		if tc.want == "" && err != nil || tc.want != "" && (!errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("Find(%s, %q): got %v, want %s", tc.names, tc.pattern, err, tc.want)
		}
	}
}

// TestFindBoosters checks that .json and .txt files are models if XGBoost or LightGBM wrote them.
func TestFindBoosters(t *testing.T) {
	t.Parallel()
	const xgboost, lightgbm = `{"learner":{}}`, "tree\nversion=v4\nnum_class=1\n"
	dir := folder("a/u.ubj", "a/b.bst", "default.model")
	for name, content := range map[string]string{
		"a/x.json": xgboost, "a/l.txt": lightgbm, "_fleet/health.json": xgboost, "a/folder/model.txt": lightgbm,
		"a/x.features.json": "{}", "a/metrics.json": `{"f1": 0.9}`, "a/readme.txt": "words", "a/notes/notes.txt": "words",
		"a/feature_columns.json": xgboost, // the name of a list of columns
	} {
		dir[name] = &fstest.MapFile{Data: []byte(content)}
	}
	files, others, err := Find(dir, "")
	var got []string
	for _, f := range files {
		got = append(got, f.String()+"="+strings.Join(f.Paths, "+"))
	}
	want := "default=default.model _fleet/health=_fleet/health.json a/b=a/b.bst a/folder=a/folder/model.txt a/l=a/l.txt a/u=a/u.ubj a/x=a/x.json+a/x.features.json"
	if err != nil || strings.Join(got, " ") != want || strings.Join(others, " ") != "a/metrics.json a/notes/notes.txt a/readme.txt" {
		t.Errorf("got %v, others %v, %v; want %s", got, others, err, want)
	}
}

// TestFindSkips checks that notes, data and scripts beside models are skipped, by their names and
// content. Files in place of models, such as Git LFS pointers, are found, so that they can be
// refused later.
func TestFindSkips(t *testing.T) {
	t.Parallel()
	dir := make(fstest.MapFS)
	for name, content := range map[string]string{
		"p/train.ipynb": `{"cells": [], "nbformat": 4}`, "p/README.md": "# Models\n", "p/plot.png": "\x89PNG\r\n", "p/conf.yaml": "a: 1\n",
		"p/data.csv": "a,b\n1,2\n", "p/fit.py": "import sklearn\n", "p/__init__.py": "", "p/t.pkl.bak": "\x80\x04N.", "p/t.joblib~": "\x80\x04N.", "p/LICENSE": "MIT License\n", "_fleet/README.md": "# Models\n",
		"p/line1.temp": "version https://git-lfs.github.com/spec/v1\n", "p/line2.temp": "\x80\x04N.", "p/temp": "a broken model", "p/t.pkl": "a broken model", "p/empty.temp": "",
		"devices.csv": "device,age\np,1\n",
	} {
		dir[name] = &fstest.MapFile{Data: []byte(content)}
	}
	files, others, err := Find(dir, "")
	var got []string
	for _, f := range files {
		got = append(got, f.Path())
	}
	const wantOthers = "_fleet/README.md p/LICENSE p/README.md p/__init__.py p/conf.yaml p/data.csv p/fit.py p/plot.png p/t.joblib~ p/t.pkl.bak p/train.ipynb"
	if err != nil || strings.Join(got, " ") != "devices.csv p/empty.temp p/line1.temp p/line2.temp p/t.pkl p/temp" || strings.Join(others, " ") != wantOthers {
		t.Errorf("got %v, others %v, %v; want others %s", got, others, err, wantOthers)
	}
}

// TestFindRefuses checks the errors for ambiguous names and invalid patterns.
func TestFindRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ pattern, names, want string }{
		{"", "1/2.pkl 1/2.joblib", "two models for 1/2: 1/2.joblib and 1/2.pkl"},
		{"", "1/2 model_1_2", "two models for 1/2"},
		{"", "default.pkl default.joblib", "two models for default"},
		{"", "a/b.pkl a/b/model.pkl", "two models for a/b: a/b.pkl and a/b"},
		{"", "_fleet/b.pkl _fleet/b.zip", "two models for _fleet/b"},
		{"", "model_a_b_c", "may be the model of a/b_c or of a_b/c"},
		{"{sensor}-{device}", "x-y-z", "may be the model of y-z/x or of z/x-y"},
		{"{device}.pkl", "1.pkl", "must have {device} and {sensor}"},
		{"{device}{device}/{sensor}", "1", "must have {device} and {sensor} once each"},
	} {
		_, _, err := Find(folder(strings.Fields(tc.names)...), tc.pattern)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Find(%s, %q): got %v, want %q", tc.names, tc.pattern, err, tc.want)
		}
	}
}

// FuzzFind checks that a pattern gives only valid names.
func FuzzFind(f *testing.F) {
	f.Add("{device}-{sensor}.pkl", "a-b.pkl")
	f.Add("", "model_1_2")
	f.Add("x{sensor}{device}", "x12")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		match, err := compile(pattern)
		if err != nil {
			return
		}
		id, ok, err := match(name)
		if ok && (err != nil || id.Scope == fleet.OfDevice && idOf(id).Validate() != nil) {
			t.Fatalf("%q by pattern %q: got %v, %v", name, pattern, id, err)
		}
	})
}

// TestFilesAreOrdered checks that Find sorts files by their places.
func TestFilesAreOrdered(t *testing.T) {
	t.Parallel()
	files, _, err := Find(folder("b/1", "a/2", "a/10"), "")
	if err != nil || !slices.IsSortedFunc(files, func(a, b File) int { return ComparePlaces(a.Place, b.Place) }) {
		t.Errorf("got %v, %v; want them sorted", files, err)
	}
}
