package publish

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// kept returns the files of a model of the columns temperature and vibration: model.joblib,
// scaler.pkl and feature_columns.pkl.
func kept(t *testing.T) map[string][]byte {
	t.Helper()
	type bundle struct {
		Name  string
		Files map[string][]byte
	}
	for _, b := range goldenfile.Read[[]bundle](t, "../artifact/testdata/bundles.json.gz") {
		if b.Name == "folder" {
			return b.Files
		}
	}
	t.Fatal("there is no bundle named folder")
	return nil
}

// planned returns the steps of publishing files, and a text with a line for each, similar to
// that of publish --dry-run.
func planned(t *testing.T, files map[string][]byte) (steps []Step, text string) {
	t.Helper()
	dir := dirOf(files)
	found, others, err := Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	steps, err = Plan(t.Context(), new(blob.Memory), dir, found, nil)
	if err != nil {
		t.Fatal(found, err)
	}
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s %s", s.Change, s.Blob)
		for _, p := range s.Parts {
			fmt.Fprintf(&b, " %s=%s", p.Name, p.As[strings.LastIndex(p.As, ".")+1:])
		}
		if len(s.About.Sensors) > 0 {
			fmt.Fprintf(&b, " rows %s of %s", s.About.Columns, s.About.Sensors)
		}
		if s.Err != nil {
			fmt.Fprintf(&b, " %v", s.Err)
		}
		b.WriteString("\n")
	}
	return steps, b.String() + strings.Join(others, " ")
}

// TestPacks checks which files are packed with which model, and that a file which may belong to
// several is refused.
func TestPacks(t *testing.T) {
	t.Parallel()
	k := kept(t)
	model, scaler, columns := k["model.joblib"], k["scaler.pkl"], k["feature_columns.pkl"]
	rows := []byte(`{"rows": {"together": ["t", "v"]}, "columns": [{"name": "temperature", "abs": "t"}, {"name": "vibration", "abs": "v"}], "features": ["temperature", "vibration"], "devices": "pump-*"}`)
	const rowsOf = " rows [temperature vibration] of [temperature vibration]"
	for _, tc := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"a folder of its own", map[string][]byte{"p/health/model.joblib": model, "p/health/scaler.pkl": scaler, "p/health/feature_columns.pkl": columns, "p/health/README.md": nil},
			"new p/health.zip p/health/feature_columns.pkl=columns p/health/scaler.pkl=StandardScaler p/health/model.joblib=IsolationForest" + rowsOf + "\n"},
		{"beside the only model", map[string][]byte{"p/health.joblib": model, "p/scaler.pkl": scaler, "p/feature_columns.pkl": columns},
			"new p/health.zip p/feature_columns.pkl=columns p/scaler.pkl=StandardScaler p/health.joblib=IsolationForest" + rowsOf + "\n"},
		{"columns as JSON and a threshold", map[string][]byte{"p/health.joblib": model, "p/scaler.pkl": scaler, "p/columns.json": []byte(`["temperature", "vibration"]`), "p/threshold.txt": []byte("-0.1\n")},
			"new p/health.zip p/columns.json=columns p/threshold.txt=threshold p/scaler.pkl=StandardScaler p/health.joblib=IsolationForest" + rowsOf + "\n"},
		{"named after the model", map[string][]byte{"p/health.joblib": model, "p/health_scaler.pkl": scaler, "p/other.pkl": one},
			"new p/health.zip p/health_scaler.pkl=StandardScaler p/health.joblib=IsolationForest\nnew p/other.pkl\n"},
		{"named after it at the end", map[string][]byte{"p/health.joblib": model, "p/scaler.health.pkl": scaler, "p/heal.pkl": one},
			"new p/heal.pkl\nnew p/health.zip p/scaler.health.pkl=StandardScaler p/health.joblib=IsolationForest\n"},
		{"a features file", map[string][]byte{"p/health.joblib": model, "p/scaler.pkl": scaler, "p/health.features.json": rows},
			"new p/health.zip p/scaler.pkl=StandardScaler p/health.joblib=IsolationForest p/health.features.json=features file rows [temperature vibration] of [t v]\n"},
		{"a features file of a folder", map[string][]byte{"_fleet/health/model.joblib": model, "_fleet/health/scaler.pkl": scaler, "_fleet/health.features.json": rows},
			"new _fleet/health.zip _fleet/health/scaler.pkl=StandardScaler _fleet/health/model.joblib=IsolationForest _fleet/health.features.json=features file rows [temperature vibration] of [t v]\n"},
		{"a features file for a model that is one file", map[string][]byte{"p/t.pkl": one, "p/t.features.json": []byte(`{"threshold": -0.5}`)},
			"new p/t.zip p/t.pkl=Pipeline p/t.features.json=features file\n"},
		{"in doubt", map[string][]byte{"p/a.joblib": model, "p/b.pkl": one, "p/scaler.pkl": scaler},
			"new p/a.joblib\nnew p/b.pkl\nbad p/scaler.pkl StandardScaler alone is not supported: it only transforms rows: write one Pipeline of it and the model, or put both files into one folder; " +
				"but there are a.joblib, b.pkl beside it: name it after its model, as in a_scaler.pkl, or put both into a folder of their own, p/a\n"},
		{"without a model", map[string][]byte{"p/scaler.pkl": scaler}, "bad p/scaler.pkl StandardScaler alone is not supported: it only transforms rows: write one Pipeline of it and the model, or put both files into one folder; there is no model beside it in p\n"},
		{"a features file with a mistake", map[string][]byte{"p/health.joblib": model, "p/health.features.json": []byte(`{"rows": {}}`)}, "bad p/health.zip health.features.json: bad_model: features file, line 1, column 10: "},
		{"a features file of other columns", map[string][]byte{"p/health.joblib": model, "p/health.features.json": []byte(`{"features": ["t"]}`)}, "bad p/health.zip health.joblib: "},
		{"attributes", map[string][]byte{"devices.csv": []byte("device,age\np,3\n")}, "new devices.csv\n"},
		{"attributes of nobody", map[string][]byte{"devices.csv": []byte("age\n3\n")}, "bad devices.csv bad model: devices.csv has no column device; it has age\n"},
		{"names that are encoded", map[string][]byte{"site%2Fline/ns=2;s=T.pkl": one}, "new site%2Fline/ns%3D2%3Bs%3DT.pkl\n"},
	} {
		_, got := planned(t, tc.files)
		if tc.name == "a features file with a mistake" || tc.name == "a features file of other columns" {
			if !strings.HasPrefix(got, "bad p/health.zip ") || !strings.Contains(got, "features") {
				t.Errorf("%s: got %s, want %s…", tc.name, got, tc.want)
			}
			continue
		}
		if got != tc.want && got != tc.want+"p/health/README.md" {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
}

// TestApplyUploadsWhatWasChecked checks that a file which changed after it was checked is not
// uploaded, and that packing the same files gives the same bytes.
func TestApplyUploadsWhatWasChecked(t *testing.T) {
	t.Parallel()
	k := kept(t)
	files := map[string][]byte{"p/health.joblib": k["model.joblib"], "p/scaler.pkl": k["scaler.pkl"]}
	blobs, dir := new(blob.Memory), dirOf(files)
	found, _, err := Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := Plan(t.Context(), blobs, dir, found, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir["p/scaler.pkl"] = &fstest.MapFile{Data: append(bytes.Clone(k["scaler.pkl"]), 0)}
	if err := Apply(t.Context(), blobs, dir, steps, nil); err == nil || !strings.Contains(err.Error(), "p/health.joblib has changed since it was checked") {
		t.Errorf("a scaler that changed: got %v, want an error", err)
	}
	if _, err := blobs.Stat(t.Context(), blob.Models, "p/health.zip"); err == nil {
		t.Error("the model with the changed scaler was uploaded")
	}
	if got := publish(t, blobs, files); got != "new p/health.zip" {
		t.Errorf("publishing: got %s", got)
	}
	if got := publish(t, blobs, files); got != "same p/health.zip" {
		t.Errorf("publishing again: got %s, want no change", got)
	}
	data, _, err := blobs.Read(t.Context(), blob.Models, "p/health.zip", "", MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	m, err := artifact.Load(data, nil)
	if err != nil || m.Features() != 2 || len(m.Describe().Estimator.Steps) != 2 {
		t.Errorf("the uploaded model: got %v, %v; want two features and two steps", m, err)
	}
}
