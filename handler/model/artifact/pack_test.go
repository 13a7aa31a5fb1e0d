package artifact_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// TestPack holds that what is packed is the model that the folder is, of the files
// that are needed and of the same bytes each time.
func TestPack(t *testing.T) {
	t.Parallel()
	for _, b := range readGoldens[bundle](t, "testdata/bundles.json.gz") {
		if b.Files == nil || b.Decision == nil {
			continue
		}
		dir := make(fstest.MapFS)
		for name, data := range b.Files {
			dir["models/p/"+name] = &fstest.MapFile{Data: data}
		}
		names := slices.Sorted(maps.Keys(dir))
		p, err := artifact.Pack(dir, names)
		if err != nil {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		slices.Reverse(names)
		if again, err := artifact.Pack(dir, names); err != nil || !bytes.Equal(again.Data, p.Data) {
			t.Errorf("%s: packed again, it has other bytes (%v)", b.Name, err)
		}
		x := slices.Concat(b.Rows...)
		var packed, whole predict.Result
		if err := p.Model.Predict(&packed, x); err != nil {
			t.Fatal(b.Name, err)
		}
		m, err := b.load(t, false)
		if err != nil {
			t.Fatal(b.Name, err)
		}
		if err := m.Predict(&whole, x); err != nil {
			t.Fatal(b.Name, err)
		}
		if !slices.Equal(packed.Scores, whole.Scores) || !slices.Equal(packed.Predictions, whole.Predictions) || !slices.Equal(p.Model.FeatureNames(), m.FeatureNames()) {
			t.Errorf("%s: packed, it is another model", b.Name)
		}
		for _, part := range p.Parts {
			if dir[part.Name] == nil {
				t.Errorf("%s: %s as %s is no file of the folder", b.Name, part.Name, part.As)
			}
		}
		a, err := archive.Open(p.Data)
		if err != nil {
			t.Fatal(b.Name, err)
		}
		for _, surplus := range []string{"README.md", "LICENSE", "data.csv", "requirements.txt", "conda.yaml", "old.pkl"} {
			if a.Has(surplus) {
				t.Errorf("%s: %s is packed", b.Name, surplus)
			}
		}
	}
}

// TestPackBundle holds that a file with a dict, tuple or list, packed with its features
// file, is the model that it is alone, and that steps have the same names.
func TestPackBundle(t *testing.T) {
	t.Parallel()
	for _, b := range readGoldens[bundle](t, "testdata/bundles.json.gz") {
		if b.Files != nil || b.Decision == nil && b.Value == nil || bytes.HasPrefix(b.File, []byte(archive.Magic)) {
			continue // a zip file in a zip file is refused
		}
		want, err := b.load(t, false)
		if err != nil {
			t.Fatal(b.Name, err)
		}
		spec := b.Spec
		if spec == "" {
			spec = "{}"
		}
		for _, beside := range []string{"README.md", "requirements.txt"} {
			if beside == "requirements.txt" && b.Spec != "" {
				continue // then steps are named by file and key, as the error says
			}
			dir := fstest.MapFS{
				"d/m.pkl": {Data: b.File}, "d/m.features.json": {Data: []byte(spec)}, "d/" + beside: {Data: []byte("scikit-learn==1.7\n")},
			}
			p, err := artifact.Pack(dir, slices.Sorted(maps.Keys(dir)))
			if err != nil {
				t.Errorf("%s beside %s: %v", b.Name, beside, err)
				continue
			}
			x := slices.Concat(b.Rows...)
			var packed, alone predict.Result
			if err := errors.Join(p.Model.Predict(&packed, x), want.Predict(&alone, x)); err != nil {
				t.Fatal(b.Name, err)
			}
			if !slices.Equal(packed.Scores, alone.Scores) || !slices.Equal(packed.Predictions, alone.Predictions) || !slices.Equal(p.Model.FeatureNames(), want.FeatureNames()) {
				t.Errorf("%s beside %s: packed, it is another model", b.Name, beside)
			}
			for _, part := range p.Parts {
				if part.Name != "d/m.pkl" && part.Name != "d/m.features.json" {
					t.Errorf("%s beside %s: %q is packed as %s", b.Name, beside, part.Name, part.As)
				}
			}
		}
	}
}

// TestNoStepThere: steps of which none is in the dict are told from a dict without a model.
func TestNoStepThere(t *testing.T) {
	t.Parallel()
	for _, b := range readGoldens[bundle](t, "testdata/bundles.json.gz") {
		if b.Name != "dict in doubt, settled" {
			continue
		}
		b.Spec = `{"steps": ["first", "last"]}`
		_, err := b.load(t, false)
		b.Refused = []string{`"one" (StandardScaler)`, `the features file names a step "first", which is no estimator in it: name those that are`}
		b.refuses(t, err)
		return
	}
	t.Error("there is no such golden")
}

// TestPackOne holds that a file alone stays as it is.
func TestPackOne(t *testing.T) {
	t.Parallel()
	data := readSkops(t)[0].File
	p, err := artifact.Pack(fstest.MapFS{"d/m.skops": &fstest.MapFile{Data: data}}, []string{"d/m.skops"})
	if err != nil || !bytes.Equal(p.Data, data) || p.Parts != nil {
		t.Errorf("%v, %v", p, err)
	}
}
