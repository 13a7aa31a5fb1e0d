package artifact_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// hold checks what came of a file: an error of one line that names no type of Go,
// or a model whose rows give the same alone, among others and in another order.
func hold(t *testing.T, m *artifact.Model, err error) {
	t.Helper()
	if (m == nil) != (err != nil) {
		t.Fatalf("%v, %v", m, err)
	}
	if err != nil {
		if text := err.Error(); strings.Contains(text, "*pickle") || strings.Contains(text, "*numpy") {
			t.Errorf("a type of Go in %s", text)
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
	if m.Predict(&r, x) == nil { // else it does not accept such numbers, which are those of every row
		predicttest.Rows(t, m, x)
	}
	if err := m.PredictTogether(&r, x); err == nil && len(r.Predictions) != 5 {
		t.Errorf("%d predictions of 5 rows", len(r.Predictions))
	}
	_ = m.Describe()
}

// bounded calls load, and holds that it takes no second of CPU time, and no more
// memory than a file of that size may: its zip file and compression unpacked, what
// package pickle allows for that, and what a small model takes.
func bounded(t *testing.T, size int, load func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := measure.CPU()
	load()
	if took := measure.CPU() - start; took > time.Second {
		t.Errorf("it took %v", took)
	}
	runtime.ReadMemStats(&after)
	unpacked := max(1<<20, archive.MaxRatio*size)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(min((8+64+8)*unpacked, 256<<20)+32<<20) {
		t.Errorf("%d bytes allocated for a file of %d", grown, size)
	}
}

// FuzzLoad holds that no file makes loading, or scoring with what was loaded, crash
// or take too much, and that what was loaded is a sound model.
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
		hold(t, m, err)
	})
}

// FuzzFolder holds the same of folders: an MLmodel file, a features file and a list
// of columns of any content beside a model and its scaler.
func FuzzFolder(f *testing.F) {
	var model, scaler []byte
	for _, b := range readGoldens[bundle](f, "testdata/bundles.json.gz") {
		if b.Name == "folder" {
			model, scaler = b.Files["model.joblib"], b.Files["scaler.pkl"]
		}
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
		hold(t, m, err)
	})
}
