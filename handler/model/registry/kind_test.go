package registry_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/registry"
)

// TestKindAndSince: the registry knows since when a version is published, and its kind
// once somebody has read it. What was removed serves nobody, and is not read.
func TestKindAndSince(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "p/t", "p/v")
	f.blobs.Now = func() time.Time { return f.now }
	began := f.now
	f.blobs.publish(t, "p/t.pkl", "model x")
	f.blobs.publish(t, "_fleet/health.zip", "model t v")
	find := func(name string) fleet.Model {
		t.Helper()
		models, err := f.db.Models(t.Context())
		i := slices.IndexFunc(models, func(m fleet.Model) bool { return m.Name == name })
		if err != nil || i < 0 {
			t.Fatalf("%s is not registered, %v", name, err)
		}
		return models[i]
	}
	wants := func(name, kind string, since time.Time) {
		t.Helper()
		if m := find(name); m.Kind != kind || !m.Published.Equal(since) {
			t.Errorf("%s is a %q since %v, want %q since %v", name, m.Kind, m.Published, kind, since)
		}
	}
	f.later()
	wants("p/t.pkl", "", began)
	wants("_fleet/health.zip", "detector", began)
	reads := f.blobs.reads.Load()
	f.NoteKind(t.Context(), f.log, find("p/t.pkl"), "classifier")
	wants("p/t.pkl", "classifier", began)
	f.later()
	wants("p/t.pkl", "classifier", began)
	f.blobs.publish(t, "p/t.pkl", "model y")
	published := f.now
	f.later()
	wants("p/t.pkl", "", published)

	f.blobs.publish(t, "p/t.pkl@removed", "model y")
	if err := f.blobs.Delete(t.Context(), blob.Models, "p/t.pkl"); err != nil {
		t.Fatal(err)
	}
	removed := f.now
	f.later()
	f.wants("p/health _fleet/health.zip")
	wants("p/t.pkl@removed", "", removed)
	if err := f.db.SetListed(t.Context(), fleet.Registry{Columns: 1, Reader: registry.Reader - 1}); err != nil {
		t.Fatal(err)
	}
	f.refresh()
	wants("p/t.pkl@removed", "", removed)
	if n := f.blobs.reads.Load() - reads; n != 0 {
		t.Errorf("%d models were read", n)
	}
}
