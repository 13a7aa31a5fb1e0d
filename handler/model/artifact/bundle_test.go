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

// bundle is a model with what belongs to it, in a file or in the files of a folder,
// and what scikit-learn gives for the rows.
type bundle struct {
	golden
	Files   map[string][]byte
	Names   []string
	Spec    string
	Refused []string
	Value   []float64 // what a regressor predicts, or the position of a classifier's class
	Classes []string  // a classifier's
}

// load reads the file, or the folder, or the folder packed into a zip file.
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

// TestBundles holds that transformers, columns and thresholds in one dict, tuple,
// list, folder or zip file with a model give together what they give in Python, and
// that what is in doubt is refused, saying what there is and what to do.
func TestBundles(t *testing.T) {
	t.Parallel()
	for _, want := range slices.Concat(readGoldens[bundle](t, "testdata/bundles.json.gz"), readGoldens[bundle](t, "testdata/python2.json.gz")) {
		for _, packed := range []bool{false, true} {
			m, err := want.load(t, packed)
			if want.Decision == nil && want.Value == nil {
				want.refuses(t, err)
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", want.Name, err)
				continue
			}
			if !slices.Equal(m.FeatureNames(), want.Names) {
				t.Errorf("%s: columns %q, want %q", want.Name, m.FeatureNames(), want.Names)
			}
			if err := m.Detects(); m.Kind() != predict.Detector && (err == nil || !strings.Contains(err.Error(), "a features file beside it")) {
				t.Errorf("%s, a %v, as the model of one sensor: %v", want.Name, m.Kind(), err)
			}
			if d := m.Describe(); m.Kind() == predict.Detector && (d.Anomalies != "low" || d.NeedsThreshold || m.NeedsLimit() || m.Anomalies() != predict.Low || m.Detects() != nil) {
				t.Errorf("%s: %+v", want.Name, d)
			}
			var said predict.Result
			if err := m.Predict(&said, slices.Concat(want.Rows...)); err != nil {
				t.Errorf("%s: %v", want.Name, err)
				continue
			}
			if !slices.Equal(m.Classes(), want.Classes) {
				t.Errorf("%s: classes %q, want %q", want.Name, m.Classes(), want.Classes)
			}
			for i, v := range want.Value {
				if math.Abs(said.Predictions[i]-v) > 1e-12*max(1, math.Abs(v)) {
					t.Errorf("%s, row %d: %v, want %v", want.Name, i, said.Predictions[i], v)
				}
			}
			for i, s := range said.Scores[:min(len(said.Scores), len(want.Decision))] {
				if math.Abs(s-want.Decision[i]) > 1e-12 || said.Predictions[i] != float64(want.Predict[i]) {
					t.Errorf("%s, row %d: %v, %v, want %v, %v", want.Name, i, said.Predictions[i], s, want.Predict[i], want.Decision[i])
				}
			}
		}
	}
}

func (b *bundle) refuses(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: it is loaded", b.Name)
		return
	}
	for _, words := range b.Refused {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v\ndoes not say: %s", b.Name, err, words)
		}
	}
}
