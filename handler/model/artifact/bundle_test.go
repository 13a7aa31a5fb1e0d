package artifact_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// bundle is a file or the files of a folder, and what Python says of the model in it.
type bundle struct {
	golden
	Files   map[string][]byte // a folder's, nil for a file
	Names   []string          // of the columns
	Spec    string            // a features file's text, or ""
	Refused []string          // words of the error, where the bundle is refused
	Value   []float64         // a regressor's predictions, or the positions of a classifier's classes
	Classes []string          // a classifier's
}

// readBundle returns the bundle of this name.
func readBundle(t testing.TB, name string) *bundle {
	t.Helper()
	all := readGoldens[bundle](t, "testdata/bundles.json.gz")
	i := slices.IndexFunc(all, func(b bundle) bool { return b.Name == name })
	if i < 0 {
		t.Fatalf("there is no bundle %q", name)
	}
	return &all[i]
}

// load loads the bundle. If packed is true, a folder is loaded from a zip file.
func (b *bundle) load(t *testing.T, packed bool) (*artifact.Model, error) {
	t.Helper()
	var spec *features.Spec
	if b.Spec != "" {
		var err error
		if spec, err = features.Parse([]byte(b.Spec)); err != nil {
			t.Fatal(b.Name, err)
		}
	}
	switch {
	case b.Files == nil:
		return artifact.Load(b.File, spec)
	case packed:
		data, err := archive.Write(b.Files)
		if err != nil {
			t.Fatal(b.Name, err)
		}
		return artifact.Load(data, spec)
	}
	dir := make(fstest.MapFS)
	for name, data := range b.Files {
		dir[name] = &fstest.MapFile{Data: data}
	}
	return artifact.LoadFolder(dir, spec)
}

// check loads the bundle, a folder also from a zip file. It compares the columns, the
// predictions, and the scores unless they are nil, and returns the loaded models. If
// predictions are nil, it checks that the bundle is refused, and returns nothing.
func (b *bundle) check(t *testing.T, predictions, scores []float64) (loaded []*artifact.Model) {
	t.Helper()
	for _, packed := range []bool{false, true} {
		if packed && b.Files == nil {
			continue
		}
		m, err := b.load(t, packed)
		if predictions == nil {
			b.checkRefused(t, err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		if !slices.Equal(m.FeatureNames(), b.Names) {
			t.Errorf("%s: columns %q, want %q", b.Name, m.FeatureNames(), b.Names)
		}
		var got predict.Result
		if err := m.Predict(&got, slices.Concat(b.Rows...)); err != nil {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		compare(t, b.Name+": predictions", got.Predictions, predictions)
		if scores != nil {
			compare(t, b.Name+": scores", got.Scores, scores)
		}
		loaded = append(loaded, m)
	}
	return loaded
}

// compare compares numbers, to within 1e-12 of the larger of 1 and what is wanted.
func compare(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d, want %d", what, len(got), len(want))
		return
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= 1e-12*max(1, math.Abs(w))) {
			t.Errorf("%s: row %d: got %v, want %v", what, i, got[i], w)
		}
	}
}

// checkRefused checks that err has all words that the bundle's error must have.
func (b *bundle) checkRefused(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s was loaded, want an error", b.Name)
		return
	}
	for _, words := range b.Refused {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v\nwant an error with %s", b.Name, err, words)
		}
	}
}

// TestBundles checks that a model gives what it gives in Python when it lies in one
// dict, tuple, list, folder or zip file with its transformers, columns and threshold.
// Where several readings are possible the error says what there is, and what to do.
func TestBundles(t *testing.T) {
	t.Parallel()
	for _, want := range slices.Concat(readGoldens[bundle](t, "testdata/bundles.json.gz"), readGoldens[bundle](t, "testdata/python2.json.gz")) {
		predictions := want.Value
		for _, p := range want.Predict {
			predictions = append(predictions, float64(p))
		}
		for _, m := range want.check(t, predictions, want.Decision) {
			if !slices.Equal(m.Classes(), want.Classes) {
				t.Errorf("%s: classes %q, want %q", want.Name, m.Classes(), want.Classes)
			}
			if err := m.Detects(); m.Kind() != predict.Detector && (err == nil || !strings.Contains(err.Error(), "a features file beside it")) {
				t.Errorf("%s: Detects of a %v: got %v, want an error that asks for a features file", want.Name, m.Kind(), err)
			}
			if d := m.Describe(); m.Kind() == predict.Detector && (d.Anomalies != "low" || d.NeedsThreshold || m.NeedsLimit() || m.Anomalies() != predict.Low || m.Detects() != nil) {
				t.Errorf("%s: %+v", want.Name, d)
			}
		}
	}
}
