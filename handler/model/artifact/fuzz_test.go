package artifact_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// checkLoaded checks what came of a file: a model or an error. An error names no Go type.
// A model gives each row the same alone, among others and in another order.
func checkLoaded(t *testing.T, m *artifact.Model, err error) {
	t.Helper()
	if (m == nil) != (err != nil) {
		t.Fatalf("got model %v and error %v", m, err)
	}
	if err != nil {
		if text := err.Error(); strings.Contains(text, "*pickle") || strings.Contains(text, "*numpy") {
			t.Errorf("the error names a Go type: %s", text)
		}
		return
	}
	if m.Features() > 1000 || m.Features() < 1 {
		return
	}
	x := make([]float64, 5*m.Features())
	for i := range x {
		x[i] = float64(i%7) - 2.5
	}
	var r predict.Result
	if m.Predict(&r, x) == nil { // otherwise the model does not accept these numbers
		predicttest.Rows(t, m, x)
	}
	if err := m.PredictTogether(&r, x); err == nil && len(r.Predictions) != 5 {
		t.Errorf("%d predictions, want 5", len(r.Predictions))
	}
	_ = m.Describe()
}

// bounded calls load for a file of this size. It checks that load takes less than a
// second of CPU time, and no more memory than the limits allow: the unpacked file, what
// package pickle allocates at most for that, and 32 MiB for a small model.
func bounded(t *testing.T, size int, load func()) {
	t.Helper()
	unpacked := max(1<<20, archive.MaxRatio*size)
	measure.Bounded(t, min((8+64+8)*unpacked, 256<<20)+32<<20, load)
}

// FuzzLoad checks that no file makes loading or predicting panic, or take too much time
// or memory.
func FuzzLoad(f *testing.F) {
	for _, s := range readSkops(f) {
		f.Add(s.File)
	}
	for _, b := range readGoldens[bundle](f, "testdata/bundles.json.gz") {
		if b.Files == nil {
			f.Add(b.File)
			continue
		}
		packed, err := archive.Write(b.Files)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	for _, r := range readGoldens[bundle](f, "testdata/refused.json.gz") {
		if len(r.File) < 10_000 {
			f.Add(r.File)
		}
	}
	f.Add([]byte("PK\x03\x04archive/data.pkl"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *artifact.Model
		var err error
		bounded(t, len(data), func() { m, err = artifact.Load(data, nil) })
		checkLoaded(t, m, err)
	})
}

// FuzzFolder checks the same of folders: any MLmodel file, features file, list of columns
// and threshold beside a model and its scaler.
func FuzzFolder(f *testing.F) {
	folder := readBundle(f, "folder").Files
	model, scaler := folder["model.joblib"], folder["scaler.pkl"]
	for _, b := range readGoldens[bundle](f, "testdata/bundles.json.gz") {
		if b.Files != nil {
			f.Add(b.Files["MLmodel"], b.Files["features.json"], b.Files["feature_columns.json"], b.Files["threshold.txt"])
		}
	}
	f.Add([]byte("flavors: {sklearn: {pickled_model: model.joblib}}"), []byte(`{"steps": ["scaler.pkl", "model.joblib"]}`), []byte(`["a", "b"]`), []byte("0.5"))
	f.Add([]byte("flavors: {sklearn: {pickled_model: ../../etc/passwd}}"), []byte("[]"), []byte("{}"), []byte("NaN"))
	f.Add([]byte("a: &a [x, x]\nb: [*a, *a]\n"), []byte("null"), []byte(`[["a"]]`), []byte("1e999"))
	f.Fuzz(func(t *testing.T, mlmodel, spec, columns, threshold []byte) {
		dir := fstest.MapFS{"model.joblib": &fstest.MapFile{Data: model}, "scaler.pkl": &fstest.MapFile{Data: scaler}}
		size := len(model) + len(scaler)
		for name, data := range map[string][]byte{"MLmodel": mlmodel, "features.json": spec, "feature_columns.json": columns, "threshold.txt": threshold} {
			if len(bytes.TrimSpace(data)) > 0 {
				dir[name] = &fstest.MapFile{Data: data}
				size += len(data)
			}
		}
		var m *artifact.Model
		var err error
		bounded(t, size, func() { m, err = artifact.LoadFolder(dir, nil) })
		checkLoaded(t, m, err)
	})
}
