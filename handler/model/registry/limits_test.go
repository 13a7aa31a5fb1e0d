package registry_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/store"
)

// ledger is a ledger that counts writes.
type ledger struct {
	*store.DB
	listed, assigned int
}

func (l *ledger) SetListed(ctx context.Context, r fleet.Registry) error {
	l.listed++
	return l.DB.SetListed(ctx, r)
}

func (l *ledger) AssignSubjects(ctx context.Context, limit int) (int, error) {
	l.assigned++
	return l.DB.AssignSubjects(ctx, limit)
}

// models counts the models that are asked for, and may fail.
type models struct {
	registry.Models
	asked int
	down  error
}

func (m *models) Model(ctx context.Context, version fleet.Model) (*model.Model, error) {
	m.asked++
	if m.down != nil {
		return nil, m.down
	}
	return m.Models.Model(ctx, version)
}

// listing is a storage that calls a function at the end of each listing.
type listing struct {
	*storage
	after func()
}

func (l *listing) List(ctx context.Context, container, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for info, err := range l.storage.List(ctx, container, prefix) {
			if !yield(info, err) {
				return
			}
		}
		l.after()
	}
}

// TestWhenToList checks that models are listed once a minute, and at once if the clock went back,
// or the columns of rows or the version of the code changed.
func TestWhenToList(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	l, m := &ledger{DB: f.db}, &models{Models: f.Models}
	f.Ledger, f.Models = l, m
	f.blobs.publish(t, "_fleet/health.zip", "model t v")
	refresh := func(what string, lists, asked int) {
		t.Helper()
		before, asks, assigned := f.blobs.lists.Load(), m.asked, l.assigned
		f.refresh()
		if n := f.blobs.lists.Load() - before; n != int32(lists) || m.asked-asks != asked || l.assigned == assigned {
			t.Errorf("%s: got %d listings, %d models read and %d assignments; want %d, %d and at least one", what, n, m.asked-asks, l.assigned-assigned, lists, asked)
		}
	}
	refresh("the first refresh", 1, 1)
	refresh("at once", 0, 0)
	f.now = f.now.Add(54 * time.Second)
	refresh("54 seconds later", 0, 0)
	f.now = f.now.Add(time.Second)
	refresh("after 55 seconds", 1, 0)
	f.now = f.now.Add(-time.Hour)
	refresh("an hour before", 1, 0)
	refresh("an hour before, again", 0, 0)
	f.Columns = 2
	refresh("two columns", 1, 0)
	if err := f.db.SetListed(t.Context(), fleet.Registry{ListedAt: f.now, Columns: 2, Reader: registry.Reader + 1}); err != nil {
		t.Fatal(err)
	}
	refresh("another version of the code", 1, 1)

	// List within the same minute writes nothing, if nothing is new.
	before := l.listed
	if err := f.List(t.Context(), f.log); err != nil || l.listed != before {
		t.Errorf("List within the same minute: got %d writes, %v; want none", l.listed-before, err)
	}
	f.now = f.now.Add(registry.Every)
	if err := f.List(t.Context(), f.log); err != nil || l.listed != before+1 {
		t.Errorf("List after a minute: got %d writes, %v; want 1", l.listed-before, err)
	}

	// Each process reads a bad model again, once.
	f.blobs.publish(t, "_fleet/bad.zip", "<html>")
	f.now = f.now.Add(registry.Every)
	refresh("a bad model", 1, 1)
	f.now = f.now.Add(registry.Every)
	refresh("a bad model, later", 1, 0)
	f.Registry = f.process()
	m = &models{Models: f.Models}
	f.Ledger, f.Models = l, m
	f.now = f.now.Add(registry.Every)
	refresh("another process", 1, 1)
	f.now = f.now.Add(registry.Every)
	refresh("another process, later", 1, 0)
}

// TestChangesWhileListing checks that a model published during a listing is registered.
func TestChangesWhileListing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	began := f.now
	f.blobs.publish(t, "_fleet/health.zip", "model t")
	once := true
	f.Blobs = &listing{f.blobs, func() {
		f.now = f.now.Add(time.Second) // a listing takes time
		if once {
			once = false
			f.blobs.publish(t, "_fleet/health.zip", "model t v")
		}
	}}
	f.refresh()
	f.refresh() // the next tick, since the listed version was gone when it was read
	f.wants("p/health _fleet/health.zip")
	state, err := f.db.Registry(t.Context())
	if err != nil || !state.ListedAt.Equal(began.Add(time.Second)) {
		t.Errorf("listed at %v, %v; want the beginning of the second listing, %v", state.ListedAt, err, began.Add(time.Second))
	}
}

// TestStorageIsAway checks that a model which cannot be read now has no fault, and that its
// previous version serves until it can.
func TestStorageIsAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	f.blobs.publish(t, "_fleet/health.zip", "model t v")
	f.later()
	m := &models{Models: f.Models, down: fmt.Errorf("read: %w", fleet.ErrUnavailable)}
	f.Models = m
	f.blobs.publish(t, "_fleet/health.zip", `model t {"rows": {"carried": ["t", "v"], "tolerance": "5min"}, "features": ["t"]}`)
	f.later()
	f.wants("p/health _fleet/health.zip")
	m.down = nil
	f.refresh()
	f.wants("p/health _fleet/health.zip 5m0s")
}

// unnamed is a model of three features without names.
type unnamed struct{ file }

func (unnamed) Features() int { return 3 }

// TestFacts checks that attributes of devices do not count as sensors, that a model without
// names of features has no fault, since it may be a sensor's, and that too long a lookback is
// a fault.
func TestFacts(t *testing.T) {
	t.Parallel()
	m, err := load([]byte(`model t age {"devices": ["p*"], "columns": [{"name": "age", "attribute": "age"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	facts := registry.Facts(m, "m", time.Hour)
	if facts.Fault != "" || facts.Plain || fmt.Sprint(facts.Sensors, facts.Devices, facts.Features) != "[t] [p*] 2" {
		t.Errorf("got %+v", facts)
	}
	if facts := registry.Facts(unnamed{}, "m", time.Hour); facts.Fault != "" || !facts.Plain || facts.Features != 3 || facts.Sensors != nil {
		t.Errorf("got %+v", facts)
	}
	if m, err = load([]byte(`model t {"columns": [{"name": "t", "of": "x", "rolling": "2h", "aggregate": "mean"}]}`)); err != nil {
		t.Fatal(err)
	}
	if facts := registry.Facts(m, "m", time.Hour); facts.Fault == "" {
		t.Errorf("a lookback of two hours where one is allowed: got %+v, want a fault", facts)
	}
}
