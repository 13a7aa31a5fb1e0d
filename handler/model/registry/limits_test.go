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

// ledger counts what is written.
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

// models counts what is asked for, and may be away.
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

// listing does something when all is listed.
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

// TestWhenToList: once a minute, and at once where the clock went back, or rows or
// the program have changed.
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
			t.Errorf("%s: %d listings, %d models read, assigned %d times; want %d, %d and some", what, n, m.asked-asks, l.assigned-assigned, lists, asked)
		}
	}
	refresh("the first", 1, 1)
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
	refresh("another program", 1, 1)

	// Who asks for a listing within the minute writes nothing if nothing is new.
	before := l.listed
	if err := f.List(t.Context(), f.log); err != nil || l.listed != before {
		t.Errorf("a listing of nothing new writes %d times, %v", l.listed-before, err)
	}
	f.now = f.now.Add(registry.Every)
	if err := f.List(t.Context(), f.log); err != nil || l.listed != before+1 {
		t.Errorf("a listing after a minute writes %d times, %v", l.listed-before, err)
	}

	// A bad one is looked at again by each process once.
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

// TestChangesWhileListing: what is published meanwhile is not lost.
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
	f.refresh() // the tick after: the model was gone when it was read
	f.wants("p/health _fleet/health.zip")
	state, err := f.db.Registry(t.Context())
	if err != nil || !state.ListedAt.Equal(began.Add(time.Second)) {
		t.Errorf("listed at %v, %v; the second listing began a second after %v", state.ListedAt, err, began)
	}
}

// TestStorageIsAway: a model that cannot be read now has no fault; the one before
// serves until then.
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

// TestFacts: attributes are no sensors, and whose features have no names is not at
// fault for that: it may be a sensor's.
func TestFacts(t *testing.T) {
	t.Parallel()
	m, err := load([]byte(`model t age {"devices": ["p*"], "columns": [{"name": "age", "attribute": "age"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	facts := registry.Facts(m, "m", time.Hour)
	if facts.Fault != "" || facts.Plain || fmt.Sprint(facts.Sensors, facts.Devices, facts.Features) != "[t] [p*] 2" {
		t.Errorf("%+v", facts)
	}
	if facts := registry.Facts(unnamed{}, "m", time.Hour); facts.Fault != "" || !facts.Plain || facts.Features != 3 || facts.Sensors != nil {
		t.Errorf("%+v", facts)
	}
	if m, err = load([]byte(`model t {"columns": [{"name": "t", "of": "x", "rolling": "2h", "aggregate": "mean"}]}`)); err != nil {
		t.Fatal(err)
	}
	if facts := registry.Facts(m, "m", time.Hour); facts.Fault == "" {
		t.Errorf("it looks back for two hours where one is allowed: %+v", facts)
	}
}
