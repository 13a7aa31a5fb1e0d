package registry_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// file is a detector. The text of its file is "model ", the names of its features, and, if it
// has one, its features file.
type file struct {
	names []string
	spec  *features.Spec
}

func (f file) Kind() predict.Kind                           { return predict.Detector }
func (f file) Features() int                                { return len(f.names) }
func (f file) FeatureNames() []string                       { return f.names }
func (f file) Classes() []string                            { return nil }
func (f file) Predict(_ *predict.Result, _ []float64) error { return nil }
func (f file) Size() int                                    { return 1 }
func (f file) Spec() *features.Spec                         { return f.spec }
func (f file) Detects() error                               { return nil }

// load loads a file.
func load(data []byte) (model.Loaded, error) {
	head, text, _ := strings.Cut(string(data), " {")
	names, ok := strings.CutPrefix(head, "model ")
	if !ok {
		return nil, fmt.Errorf("%w: it is a web page", artifact.ErrNoModel)
	}
	f := file{names: strings.Fields(names)}
	if text != "" {
		spec, err := features.Parse([]byte("{" + text))
		if err != nil {
			return nil, err
		}
		f.spec = spec
	}
	return f, nil
}

// storage is a store that counts requests.
type storage struct {
	blob.Memory
	lists, reads, stats atomic.Int32
}

func (s *storage) List(ctx context.Context, container, prefix string) iter.Seq2[blob.Info, error] {
	s.lists.Add(1)
	return s.Memory.List(ctx, container, prefix)
}

func (s *storage) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	s.reads.Add(1)
	return s.Memory.Read(ctx, container, name, etag, limit)
}

func (s *storage) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	s.stats.Add(1)
	return s.Memory.Stat(ctx, container, name)
}

// publish writes a model.
func (s *storage) publish(t testing.TB, name, content string) {
	t.Helper()
	blobtest.Put(t, s, blob.Models, name, content)
}

// fixture is a registry with its ledger, storage and clock.
type fixture struct {
	*registry.Registry
	t     testing.TB
	db    *store.DB
	blobs *storage
	now   time.Time
	log   *slog.Logger
}

// newFixture returns a fixture whose ledger has a reading of each sensor.
func newFixture(t testing.TB, sensors ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, db: storetest.Open(t, storetest.SQLite), blobs: &storage{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	var batch []fleet.Reading
	for _, s := range sensors {
		device, name, _ := strings.Cut(s, "/")
		batch = append(batch, fleet.Reading{ID: fleet.ID{Device: device, Sensor: name}, Time: fleet.MillisOf(f.now.Add(-30 * time.Minute)), Value: 1})
	}
	if _, err := f.db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	f.Registry = f.process()
	return f
}

// process returns the registry of another process.
func (f *fixture) process() *registry.Registry {
	return &registry.Registry{Blobs: f.blobs, Ledger: f.db, Models: model.NewCache(f.blobs, load, 1<<20, 1<<20), Columns: 1, MaxLookback: 8 * 24 * time.Hour, Now: func() time.Time { return f.now }}
}

// refresh refreshes the registry.
func (f *fixture) refresh() {
	f.t.Helper()
	if err := f.Refresh(f.t.Context(), f.log); err != nil {
		f.t.Fatal(err)
	}
}

// later refreshes the registry a minute later.
func (f *fixture) later() {
	f.t.Helper()
	f.now = f.now.Add(registry.Every)
	f.refresh()
}

// wants opens a run, and checks its jobs with the models that serve them.
func (f *fixture) wants(want ...string) {
	f.t.Helper()
	w := fleet.Window{From: f.now.Add(-time.Hour).Truncate(time.Second), To: f.now.Truncate(time.Second)}
	run, created, err := f.db.OpenRequested(f.t.Context(), w, nil, fleet.Settings{}, f.now)
	if err != nil || !created {
		f.t.Fatal(err, created)
	}
	jobs, err := f.db.JobsPage(f.t.Context(), run.ID, "", fleet.ID{}, 1000)
	if err != nil {
		f.t.Fatal(err)
	}
	var got []string
	for _, j := range jobs {
		work, err := f.db.Work(f.t.Context(), run.ID, []fleet.ID{j.ID})
		if err != nil || len(work) != 1 {
			f.t.Fatal(err, work)
		}
		by := "-"
		if m := work[0].Model; m != nil {
			by = m.Name
		}
		if work[0].Needs > 0 {
			by += " " + work[0].Needs.String()
		}
		if work[0].Fault != "" {
			by += ": " + work[0].Fault
		}
		got = append(got, j.ID.String()+" "+by)
	}
	f.now = f.now.Add(time.Second)
	if !slices.Equal(got, want) {
		f.t.Errorf("got jobs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestRefresh publishes, replaces and removes models. Each change has an effect from the next
// refresh on.
func TestRefresh(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v", "q/t")
	f.refresh()
	f.wants("p/t -", "p/v -", "q/t -")
	f.blobs.publish(t, "p/t.pkl", "whatever")
	f.blobs.publish(t, "_fleet/health.zip", `model t v {"columns": [{"name": "v", "of": "x", "rolling": "1h", "aggregate": "mean"}], "features": ["t", "v"]}`)
	f.blobs.publish(t, "_fleet/q.zip", `model t {"devices": "q*", "rows": {"grid": "1min", "columns": [{"name": "t", "sensor": "t", "aggregate": "max"}]}}`)
	f.blobs.publish(t, "p/health@previous", "model t")
	f.refresh() // within a minute
	f.wants("p/t -", "p/v -", "q/t -")
	f.later()
	// health needs the sensors t and x, which no device has. Other jobs are not affected.
	f.wants(`p/health _fleet/health.zip 1h0m0s: the features of _fleet/health.zip need the sensor "x", which the device does not have; it has t, v`,
		"p/t p/t.pkl", "p/v -",
		`q/health _fleet/health.zip 1h0m0s: the features of _fleet/health.zip need the sensor "x", which the device does not have; it has t`,
		"q/q _fleet/q.zip 1m0s")
	reads := f.blobs.reads.Load()
	if reads != 2 {
		t.Errorf("%d models were read, want the two of the fleet", reads)
	}
	f.later()
	if n := f.blobs.reads.Load(); n != reads {
		t.Errorf("%d models were read again, want none", n-reads)
	}

	// A file that is no model, in place of a model, keeps the devices of that model. Its jobs
	// report the fault.
	f.blobs.publish(t, "_fleet/q.zip", "<html>")
	f.blobs.publish(t, "_fleet/health.zip", "model t v")
	f.later()
	f.wants("p/health _fleet/health.zip", "p/t p/t.pkl",
		`q/health _fleet/health.zip: the features of _fleet/health.zip need the sensor "v", which the device does not have; it has t`,
		"q/q _fleet/q.zip 1m0s: bad model: _fleet/q.zip: no model: it is a web page")

	// Another process reads bad models again, once.
	reads = f.blobs.reads.Load()
	f.Registry = f.process()
	f.later()
	f.later()
	if n := f.blobs.reads.Load() - reads; n != 1 {
		t.Errorf("another process read %d models, want 1", n)
	}

	if err := f.blobs.Delete(t.Context(), blob.Models, "_fleet/q.zip"); err != nil {
		t.Fatal(err)
	}
	f.blobs.publish(t, "q/health.pkl", "model t") // overrides the fleet's health, and is for a sensor that q does not have
	f.blobs.publish(t, "default.pkl", "model x")
	f.later()
	f.wants("p/health _fleet/health.zip", "p/t p/t.pkl", "p/v default.pkl", "q/t default.pkl")
}

// TestShared checks files whose names may be those of models and of other files. Such a file is
// a model if its content is one. Otherwise it serves nothing. It is read once.
func TestShared(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	f.blobs.publish(t, "p/health.json", "model t v")
	f.blobs.publish(t, "p/t.txt", "model t")
	f.blobs.publish(t, "p/v.ubj", "whatever")
	f.blobs.publish(t, "p/v.json", "the metrics of that")
	f.blobs.publish(t, "p/readme.txt", "how to")
	f.blobs.publish(t, "default.txt", "a note")
	f.later()
	f.wants("p/health p/health.json", "p/t p/t.txt", "p/v p/v.ubj")
	names := func() (names []string) {
		models, err := f.db.ServingModels(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range models {
			names = append(names, m.Name)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"p/health.json", "p/t.txt", "p/v.ubj"}) {
		t.Errorf("got models %v, want p/health.json, p/t.txt and p/v.ubj", got)
	}
	reads := f.blobs.reads.Load()
	if reads != 5 {
		t.Errorf("%d files were read, want the 5 that may be models or not", reads)
	}
	f.Registry = f.process()
	f.later()
	f.later()
	if n := f.blobs.reads.Load() - reads; n != 0 {
		t.Errorf("another process read %d files again, want none", n)
	}

	// A note may become a model, and a model a note.
	f.blobs.publish(t, "default.txt", "model x")
	f.blobs.publish(t, "p/health.json", "a note")
	if err := f.blobs.Delete(t.Context(), blob.Models, "p/v.ubj"); err != nil {
		t.Fatal(err)
	}
	f.later()
	f.wants("p/t p/t.txt", "p/v default.txt")
}

// TestSharedReader checks that a newer version of the code reads files again that were no models
// to an older one.
func TestSharedReader(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	f.blobs.publish(t, "p/health.json", "model t v")
	older := f.process()
	older.Models = model.NewCache(f.blobs, func([]byte) (model.Loaded, error) { return nil, artifact.ErrNoModel }, 1<<20, 1<<20)
	newer := f.Registry
	f.Registry = older
	f.later()
	f.wants("p/t -", "p/v -")
	if err := f.db.SetListed(t.Context(), fleet.Registry{Columns: 1, Reader: registry.Reader - 1}); err != nil {
		t.Fatal(err)
	}
	f.Registry = newer
	f.later()
	f.wants("p/health p/health.json")
}

// TestNewSensor checks that a new sensor gets its models without another listing.
func TestNewSensor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t")
	f.blobs.publish(t, "_fleet/health.zip", "model t v")
	f.later()
	if _, err := f.db.InsertReadings(t.Context(), []fleet.Reading{{ID: fleet.ID{Device: "p", Sensor: "v"}, Time: 1}}, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	f.wants("p/health _fleet/health.zip")
	if n := f.blobs.lists.Load(); n != 1 {
		t.Errorf("%d listings, want 1", n)
	}
}

// TestRenew checks that Renew registers the present version of a model whose registered version
// is gone.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	f.blobs.publish(t, "p/health.pkl", "model t v")
	f.later()
	models, err := f.db.Models(t.Context())
	if err != nil || len(models) != 1 {
		t.Fatal(models, err)
	}
	renew := func() {
		t.Helper()
		if err := f.Renew(t.Context(), f.log, models[0]); err != nil {
			t.Fatal(err)
		}
	}
	renew() // the version is not gone
	f.wants("p/health p/health.pkl")
	f.blobs.publish(t, "p/health.pkl", `model t {"rows": {"carried": ["t", "v"], "tolerance": "5min"}, "features": ["t"]}`)
	renew()
	renew() // another process missed the same version
	f.wants("p/health p/health.pkl 5m0s")
	if models, err = f.db.Models(t.Context()); err != nil || len(models) != 1 {
		t.Fatal(models, err)
	}
	if err := f.blobs.Delete(t.Context(), blob.Models, "p/health.pkl"); err != nil {
		t.Fatal(err)
	}
	renew()
	f.wants("p/t -", "p/v -")
}

// TestAggregates checks that the number of columns in a sensor's rows decides whether a model is
// a sensor's or a device model.
func TestAggregates(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	f.blobs.publish(t, "_fleet/t.pkl", "model mean max")
	f.later()
	f.wants("p/t _fleet/t.pkl: _fleet/t.pkl is a device model, and the device has a sensor named t too: give one of them another name", "p/v -")
	f.Columns = 2
	f.later()
	f.wants("p/t _fleet/t.pkl", "p/v -")
}

// BenchmarkRefresh reports the CPU time of the first listing of 10,000 models of sensors, and of
// later ones, in which none has changed.
func BenchmarkRefresh(b *testing.B) {
	const n = 10_000
	f := newFixture(b)
	var batch []fleet.Reading
	for i := range n {
		id := fleet.ID{Device: fmt.Sprint("d", i/10), Sensor: fmt.Sprint(i % 10)}
		batch = append(batch, fleet.Reading{ID: id, Time: 1, Value: 1})
		f.blobs.publish(b, id.Path()+".pkl", "model x")
	}
	if _, err := f.db.InsertReadings(b.Context(), batch, fleet.Delivery{}); err != nil {
		b.Fatal(err)
	}
	began := measure.CPU()
	f.later()
	b.ReportMetric((measure.CPU()-began).Seconds()*1000, "cpu-ms/first")
	began = measure.CPU()
	for b.Loop() {
		f.later()
	}
	b.ReportMetric((measure.CPU()-began).Seconds()*1000/float64(b.N), "cpu-ms/refresh")
}
