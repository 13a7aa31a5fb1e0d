package score

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

var (
	from   = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	window = fleet.Window{From: from, To: from.Add(time.Hour)}
	quiet  = slog.New(slog.DiscardHandler)
)

// double is a model whose score is twice the first feature. A score of 10 or more is
// an anomaly.
type double struct{ features int }

func (m double) Features() int        { return m.features }
func (double) Kind() predict.Kind     { return predict.Detector }
func (double) FeatureNames() []string { return nil }
func (double) Classes() []string      { return nil }
func (double) Size() int              { return 0 }
func (double) Name() string           { return "double.pkl" }
func (double) SHA256() string         { return strings.Repeat("d", 64) }
func (double) Spec() *features.Spec   { return nil }
func (double) Detects() error         { return nil }

func (m double) Predict(r *predict.Result, x []float64) error {
	r.Resize(len(x)/m.features, 1, 0)
	for i := range r.Predictions {
		v := x[i*m.features]
		switch {
		case v == -666:
			panic("six hundred and sixty-six")
		case math.IsInf(v, 0):
			return errors.New("input contains infinity")
		}
		r.Predictions[i], r.Scores[i] = 0, 2*v
		if r.Scores[i] >= 10 {
			r.Predictions[i] = 1
		}
	}
	return nil
}

// loads is a [Models] whose models come from a function.
type loads func(ctx context.Context, version fleet.Model) (Model, error)

func (l loads) Model(ctx context.Context, version fleet.Model) (Model, error) { return l(ctx, version) }
func (l loads) Attributes(context.Context, fleet.Model) (features.Attributes, error) {
	return nil, errors.New("there are none")
}
func (l loads) Renew(context.Context, *slog.Logger, fleet.Model) error { return nil }

// ownModel returns the registered model of one sensor.
func ownModel(id fleet.ID) fleet.Model {
	return fleet.Model{Name: id.String() + ".pkl", ETag: "1", Place: fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}}
}

// bench is a scorer with a SQLite database and blobs in memory.
type bench struct {
	db    *store.DB
	blobs *blob.Memory
	*Scorer
	run string
}

func newBench(t *testing.T, aggregate string, readings map[fleet.ID][]float64) *bench {
	t.Helper()
	b := &bench{db: storetest.Open(t, storetest.SQLite), blobs: &blob.Memory{}}
	var batch []fleet.Reading
	var models fleet.Registration
	for id, values := range readings {
		models.Added = append(models.Added, ownModel(id))
		for i, v := range values {
			batch = append(batch, fleet.Reading{ID: id, Time: fleet.MillisOf(from) + fleet.Millis(i*10_000), Value: v})
		}
	}
	if _, err := b.db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Register(t.Context(), models); err != nil {
		t.Fatal(err)
	}
	run, _, err := b.db.OpenRequested(t.Context(), window, nil, fleet.Settings{Aggregate: aggregate}, window.To)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return window.To }
	b.run = run.ID
	b.Scorer = &Scorer{
		Ledger: b.db, Readings: b.db, Files: b.blobs, CPU: semaphore.NewWeighted(2), Now: clock, Pause: time.Microsecond,
		Ender: &ledger.Ender{Ledger: b.db, Files: b.blobs, Now: clock},
		Models: loads(func(context.Context, fleet.Model) (Model, error) {
			return double{max(strings.Count(aggregate, ",")+1, 1)}, nil
		}),
	}
	return b
}

func (b *bench) message(t *testing.T, ids ...fleet.ID) string {
	t.Helper()
	m := fleet.NewMessage(b.run, nil)
	for _, id := range ids {
		m.Jobs = append(m.Jobs, fleet.JobKey{ID: id})
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (b *bench) job(t *testing.T, id fleet.ID) fleet.Job {
	t.Helper()
	jobs, err := b.db.Jobs(t.Context(), b.run, []fleet.ID{id})
	if err != nil || len(jobs) != 1 {
		t.Fatalf("job %s: %v, %v", id, jobs, err)
	}
	return jobs[0]
}

func (b *bench) read(t *testing.T, container, name string) string {
	t.Helper()
	content, _, err := b.blobs.Read(t.Context(), container, name, "", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
