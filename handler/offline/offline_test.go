package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/series"
)

// limit is a detector. A row is an anomaly if its first column is above the limit.
type limit struct {
	above    float64
	features int
	names    []string
	spec     *features.Spec
	panics   bool
}

func (m *limit) Kind() predict.Kind     { return predict.Detector }
func (m *limit) Features() int          { return m.features }
func (m *limit) FeatureNames() []string { return m.names }
func (m *limit) Classes() []string      { return nil }
func (m *limit) Size() int              { return 1 }
func (m *limit) Spec() *features.Spec   { return m.spec }
func (m *limit) Detects() error         { return nil }

func (m *limit) Predict(r *predict.Result, x []float64) error {
	if m.panics {
		panic("at the rows")
	}
	r.Predictions, r.Scores = r.Predictions[:0], r.Scores[:0]
	for i := 0; i < len(x); i += m.features {
		p := 0.
		if x[i] > m.above {
			p = 1
		}
		r.Predictions, r.Scores = append(r.Predictions, p), append(r.Scores, m.above-x[i])
	}
	return nil
}

var from = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// batchOf returns a scoring of four minutes into a folder. Each sensor has the readings 0 to 9, a minute
// apart. The first five are before the window.
func batchOf(t *testing.T, dir string, ids []string, models ...Candidate) *Scoring {
	t.Helper()
	set := series.New(series.Options{Dir: t.TempDir()})
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, text := range ids {
		id, err := fleet.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if err := set.Add(fleet.Reading{ID: id, Time: fleet.MillisOf(from.Add(time.Duration(i-5) * time.Minute)), Value: float64(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := set.Sort(); err != nil {
		t.Fatal(err)
	}
	return &Scoring{Readings: set, Models: models, Window: fleet.Window{From: from, To: from.Add(4 * time.Minute)}, Out: dir,
		File: func(id fleet.ID) string { return id.Path() + ".csv" }}
}

// candidateOf returns a model of this name. Without a limit it cannot be loaded.
func candidateOf(name string, m *limit) Candidate {
	place, _ := model.PlaceOf(name)
	return Candidate{Name: name, Place: place, Load: func() (model.Loaded, string, error) {
		if m == nil {
			return nil, "", errors.New("no pickle")
		}
		return m, "sum of " + name, nil
	}}
}

// specOf parses a features file.
func specOf(t *testing.T, text string) *features.Spec {
	t.Helper()
	spec, err := features.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// files returns the paths of all files in a folder, sorted.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// content returns the content of a file.
func content(t *testing.T, name ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestScore scores sensors and a device model. Some of the models are bad, panic or do not fit.
func TestScore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := `{"rows": {"together": ["x", "y"]}, "columns": [{"name": "before", "of": "x", "shift": 2, "within": "5min"}, {"name": "a", "attribute": "age"}],
		"features": ["before", "y", "a"]}`
	s := batchOf(t, dir, []string{"a/x", "a/y", "b/x", "c/x", "d/x", "e/x"},
		candidateOf("default.pkl", &limit{above: 7, features: 1}),
		candidateOf("a/wear.pkl", &limit{above: 5, features: 3, names: []string{"before", "y", "a"}, spec: specOf(t, spec)}),
		candidateOf("b/x.pkl", nil),
		candidateOf("c/x.pkl", &limit{features: 1, panics: true}),
		candidateOf("d/x.pkl", &limit{features: 2}),
		candidateOf("e/x.pkl", &limit{above: 100, features: 1}),
		candidateOf("z/x.pkl", &limit{features: 1}),
		candidateOf("e/other.pkl", &limit{features: 1}),
	)
	s.Attributes = features.Attributes{"a": {"age": "3.5"}}
	var began, done atomic.Int32
	s.Began, s.Done = func(n int) { began.Store(int32(n)) }, func() { done.Add(1) }
	r, err := s.Score(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		id, model       string
		state           fleet.JobState
		rows, anomalies int
		says            string
	}{
		{"a/wear", "a/wear.pkl", fleet.Scored, 4, 1, ""},
		{"a/x", "default.pkl", fleet.Scored, 4, 1, ""},
		{"a/y", "default.pkl", fleet.Scored, 4, 1, ""},
		{"b/x", "b/x.pkl", fleet.BadModel, 0, 0, "bad model: b/x.pkl: no pickle"},
		{"c/x", "c/x.pkl", fleet.Failed, 0, 0, "at the rows"},
		{"d/x", "d/x.pkl", fleet.BadModel, 0, 0, "takes 2 features"},
		{"e/x", "e/x.pkl", fleet.Scored, 4, 0, ""},
	}
	var jobs []string
	for i, j := range r.Jobs {
		jobs = append(jobs, j.ID.Path())
		w := want[min(i, len(want)-1)]
		if j.ID.Path() != w.id || j.Model != w.model || j.State != w.state || j.Rows != w.rows || j.Anomalies != w.anomalies ||
			(w.says == "") != (j.Error == "") || !strings.Contains(j.Error, w.says) || (j.CSVSHA256 != "") != (j.State == fleet.Scored) || j.Duration <= 0 {
			t.Errorf("got job %+v, want %+v", j, w)
		}
		if j.State == fleet.Scored && j.ModelSHA256 != "sum of "+j.Model {
			t.Errorf("%v: got sha256 %q", j.ID, j.ModelSHA256)
		}
	}
	if len(r.Jobs) != len(want) || began.Load() != int32(len(want)) || done.Load() != int32(len(want)) {
		t.Errorf("got jobs %v, of which %d began and %d were done; want %d", jobs, began.Load(), done.Load(), len(want))
	}
	if got := files(t, dir); !slices.Equal(got, []string{"_errors/b/x.json", "_errors/c/x.json", "_errors/d/x.json", "a/wear.csv", "a/x.csv", "a/y.csv", "e/x.csv", "manifest.json"}) {
		t.Errorf("got files %v", got)
	}
	// The window is half-open. The device model uses readings from before it.
	if got := content(t, dir, "a", "x.csv"); got != "TS,Device,Sensor,Val,Prediction,Score\n"+
		"2026-03-01T12:00:00.000Z,a,x,5,0,2\n2026-03-01T12:01:00.000Z,a,x,6,0,1\n2026-03-01T12:02:00.000Z,a,x,7,0,0\n2026-03-01T12:03:00.000Z,a,x,8,1,-1\n" {
		t.Errorf("a/x.csv is\n%s", got)
	}
	if got := content(t, dir, "a", "wear.csv"); got != "TS,Device,Model,Prediction,Score,before,y,a\n"+
		"2026-03-01T12:00:00.000Z,a,wear,0,2,3,5,3.5\n2026-03-01T12:01:00.000Z,a,wear,0,1,4,6,3.5\n2026-03-01T12:02:00.000Z,a,wear,0,0,5,7,3.5\n2026-03-01T12:03:00.000Z,a,wear,1,-1,6,8,3.5\n" {
		t.Errorf("a/wear.csv is\n%s", got)
	}
	if !slices.Equal(r.Unused, []string{"z/x.pkl", "e/other.pkl"}) {
		t.Errorf("got unused models %v, want z/x.pkl and e/other.pkl", r.Unused)
	}
	if r.Run.State != fleet.RunDegraded || r.Run.Window != s.Window || !strings.Contains(r.Err().Error(), "b/x: bad model") {
		t.Errorf("got run %+v, %v; want it degraded", r.Run, r.Err())
	}
	var log ledger.ErrorLog
	if err := json.Unmarshal([]byte(content(t, dir, "_errors", "c", "x.json")), &log); err != nil || log.State != fleet.Failed || log.Sensor != "x" || log.Remedy == "" {
		t.Errorf("got error log %+v, %v", log, err)
	}
}

// TestScoreAgain checks that a scoring removes the files of an earlier one that it does not write.
func TestScoreAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := candidateOf("b/x.pkl", &limit{features: 1}), candidateOf("b/x.pkl", nil)
	for i, c := range []struct {
		model  Candidate
		id     string
		files  []string
		state  fleet.RunState
		jobErr bool
	}{
		{bad, "b/x", []string{"_errors/b/x.json", "manifest.json"}, fleet.RunFailed, true},
		{good, "b/x", []string{"b/x.csv", "manifest.json"}, fleet.RunSucceeded, false},
		{bad, "b/x", []string{"_errors/b/x.json", "manifest.json"}, fleet.RunFailed, true},
	} {
		r, err := batchOf(t, dir, []string{c.id}, c.model).Score(t.Context())
		if err != nil || r.Run.State != c.state || (r.Err() != nil) != c.jobErr {
			t.Fatalf("scoring %d: got %+v, %v; want state %s", i, r, err, c.state)
		}
		if got := files(t, dir); !slices.Equal(got, c.files) {
			t.Errorf("scoring %d: got files %v, want %v", i, got, c.files)
		}
	}
	// Without a reading in the window there is neither a file nor an error log.
	s := batchOf(t, dir, []string{"b/x"}, good)
	s.Window = fleet.Window{From: from.Add(time.Hour), To: from.Add(2 * time.Hour)}
	if r, err := s.Score(t.Context()); err != nil || r.Jobs[0].State != fleet.NoData || r.Jobs[0].CSVSHA256 != "" {
		t.Errorf("no reading in the window: got %+v, %v", r, err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{"manifest.json"}) {
		t.Errorf("got files %v", got)
	}
}

// TestScoreStops checks that an error of the disk ends the scoring, and that no manifest is left.
func TestScoreStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model := candidateOf("default.pkl", &limit{features: 1})
	if _, err := batchOf(t, dir, []string{"b/x"}, model).Score(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := batchOf(t, dir, []string{"b/x"}, model)
	s.File = func(fleet.ID) string { return "b" } // a folder
	if _, err := s.Score(t.Context()); err == nil || !strings.Contains(err.Error(), "score b/x: ") {
		t.Errorf("a file whose name is a folder's: got %v, want an error", err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{"b/x.csv"}) {
		t.Errorf("got files %v", got)
	}
	if err := os.Mkdir(filepath.Join(dir, "manifest.json.part"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := batchOf(t, dir, []string{"b/x"}, model).Score(t.Context()); err == nil || slices.Contains(files(t, dir), "manifest.json") {
		t.Errorf("a manifest that cannot be written: got %v and files %v", err, files(t, dir))
	}
	s = batchOf(t, dir, []string{"b/x"}, model)
	s.Settings.Aggregate = "5m"
	if _, err := s.Score(t.Context()); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("an invalid aggregation: got %v, want fleet.ErrInvalid", err)
	}
}

// TestAggregation checks that a model with as many columns as the aggregation has functions serves a
// sensor.
func TestAggregation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := batchOf(t, dir, []string{"a/x"}, candidateOf("default.pkl", &limit{above: 6, features: 2}), candidateOf("_fleet/pair.pkl", &limit{features: 2, names: []string{"x", "y"}}))
	s.Settings.Aggregate = "2m:max,min"
	r, err := s.Score(t.Context())
	if err != nil || len(r.Jobs) != 1 || r.Err() != nil {
		t.Fatalf("got %+v, %v; want one job", r, err)
	}
	if got := content(t, dir, "a", "x.csv"); got != "TS,Device,Sensor,Val,Prediction,Score,max,min\n2026-03-01T12:00:00.000Z,a,x,6,0,0,6,5\n2026-03-01T12:02:00.000Z,a,x,8,1,-2,8,7\n" {
		t.Errorf("a/x.csv is\n%s", got)
	}
}

// TestModelsOfAll checks that a model of the fleet serves the devices that it names, that it is loaded
// once, and that it is released when the last of its subjects is scored.
func TestModelsOfAll(t *testing.T) {
	t.Parallel()
	var loads atomic.Int32
	of := candidateOf("_fleet/wear.pkl", &limit{features: 1, names: []string{"x"}, spec: specOf(t, `{"devices": ["a*"], "rows": {"together": ["x"]}}`)})
	load := of.Load
	of.Load = func() (model.Loaded, string, error) {
		loads.Add(1)
		return load()
	}
	own := candidateOf("a1/slow.pkl", &limit{features: 1, names: []string{"x"}, spec: specOf(t, `{"rows": {"together": ["x"]}, "columns": [{"name": "m", "of": "x", "rolling": "3min", "aggregate": "max"}], "features": ["m"]}`)})
	s := batchOf(t, t.TempDir(), []string{"a1/x", "a2/x", "a3/x", "b/x"}, of, own)
	s.MaxLookback = time.Minute
	r, err := s.Score(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var jobs []string
	for _, j := range r.Jobs {
		jobs = append(jobs, fmt.Sprint(j.ID.Path(), " ", j.State))
	}
	if !slices.Equal(jobs, []string{"a1/slow bad_model", "a1/wear scored", "a2/wear scored", "a3/wear scored", "b/x no_model"}) || loads.Load() != 1 {
		t.Errorf("got jobs %v after %d loads, want one load", jobs, loads.Load())
	}
	s.Began, s.Done = nil, nil
	c := &candidate{Candidate: of, users: 2}
	first, err := c.load()
	if err != nil {
		t.Fatal(err)
	}
	c.release()
	if kept, err := c.load(); err != nil || kept != first || loads.Load() != 2 {
		t.Errorf("a model that is still in use was loaded again (%v)", err)
	}
	c.release()
	if c.model != nil {
		t.Error("a model that is no longer in use was not released")
	}
}

// TestErr checks that the error has the first five failed jobs and the number of the others.
func TestErr(t *testing.T) {
	t.Parallel()
	r := Result{Run: fleet.Run{State: fleet.RunFailed}}
	for i := range 5 {
		r.Jobs = append(r.Jobs, fleet.Job{JobKey: fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: fmt.Sprint(i)}}, State: fleet.Failed, Outcome: fleet.Outcome{Error: "why"}})
	}
	r.Jobs = append(r.Jobs, fleet.Job{State: fleet.Scored}, fleet.Job{State: fleet.NoModel}, fleet.Job{State: fleet.NoData})
	want := "the scoring is failed\n  d/0: why\n  d/1: why\n  d/2: why\n  d/3: why\n  d/4: why"
	if got := r.Err().Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.Jobs = append(r.Jobs, r.Jobs[0], r.Jobs[1])
	if got := r.Err().Error(); got != want+"\n  and 2 more" {
		t.Errorf("got %s, want %s and 2 more", got, want)
	}
}
