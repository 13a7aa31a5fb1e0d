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

// checkSame checks that two models predict the same for these rows, and have the same
// columns.
func checkSame(t *testing.T, name string, got, want *artifact.Model, rows [][]float64) {
	t.Helper()
	x := slices.Concat(rows...)
	var g, w predict.Result
	if err := errors.Join(got.Predict(&g, x), want.Predict(&w, x)); err != nil {
		t.Fatal(name, err)
	}
	if !slices.Equal(g.Scores, w.Scores) || !slices.Equal(g.Predictions, w.Predictions) || !slices.Equal(got.FeatureNames(), want.FeatureNames()) {
		t.Errorf("%s: the packed model gives %v, %v of columns %q; want %v, %v of %q", name, g.Predictions, g.Scores, got.FeatureNames(), w.Predictions, w.Scores, want.FeatureNames())
	}
}

// TestPack checks that a packed folder is the same model as the folder, has only the
// files that the model needs, and has the same bytes each time.
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
			t.Errorf("%s: packing it again gave other bytes (%v)", b.Name, err)
		}
		m, err := b.load(t, false)
		if err != nil {
			t.Fatal(b.Name, err)
		}
		checkSame(t, b.Name, p.Model, m, b.Rows)
		for _, part := range p.Parts {
			if dir[part.Name] == nil {
				t.Errorf("%s: part %s (as %s) is no file of the folder", b.Name, part.Name, part.As)
			}
		}
		a, err := archive.Open(p.Data)
		if err != nil {
			t.Fatal(b.Name, err)
		}
		for _, surplus := range []string{"README.md", "LICENSE", "data.csv", "requirements.txt", "conda.yaml", "old.pkl"} {
			if a.Has(surplus) {
				t.Errorf("%s: %s was packed, though the model does not need it", b.Name, surplus)
			}
		}
	}
}

// TestPackBundle checks that a file with a dict, tuple or list is the same model when it
// is packed with its features file. The names of steps in that file stay valid.
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
				continue // beside requirements.txt, steps would be named by file and key
			}
			dir := fstest.MapFS{
				"d/m.pkl": {Data: b.File}, "d/m.features.json": {Data: []byte(spec)}, "d/" + beside: {Data: []byte("scikit-learn==1.7\n")},
			}
			p, err := artifact.Pack(dir, slices.Sorted(maps.Keys(dir)))
			if err != nil {
				t.Errorf("%s beside %s: %v", b.Name, beside, err)
				continue
			}
			checkSame(t, b.Name+" beside "+beside, p.Model, want, b.Rows)
			for _, part := range p.Parts {
				if part.Name != "d/m.pkl" && part.Name != "d/m.features.json" {
					t.Errorf("%s beside %s: %q is packed as %s", b.Name, beside, part.Name, part.As)
				}
			}
		}
	}
}

// TestUnknownSteps checks the error where a features file names steps that are not in
// the dict.
func TestUnknownSteps(t *testing.T) {
	t.Parallel()
	b := readBundle(t, "dict in doubt, settled")
	b.Spec = `{"steps": ["first", "last"]}`
	b.Refused = []string{`"one" (StandardScaler)`, `the features file names a step "first", which is no estimator in it: name those that are`}
	_, err := b.load(t, false)
	b.checkRefused(t, err)
}

// TestPackOne checks that a single file is packed as it is.
func TestPackOne(t *testing.T) {
	t.Parallel()
	data := readSkops(t)[0].File
	p, err := artifact.Pack(fstest.MapFS{"d/m.skops": &fstest.MapFile{Data: data}}, []string{"d/m.skops"})
	if err != nil || !bytes.Equal(p.Data, data) || p.Parts != nil {
		t.Errorf("%v, %v", p, err)
	}
}
