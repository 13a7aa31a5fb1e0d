package publish

import (
	"errors"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

var first = fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}

// removedState is state with the removed model.
func removedState(t *testing.T, blobs blob.Store) string {
	t.Helper()
	return state(t, blobs) + " " + content(t, blobs, "a/1.pkl@removed")
}

// TestRemove: what was removed can be put back, and stays the one before where another is
// published.
func TestRemove(t *testing.T) {
	t.Parallel()
	blobs := published(t)
	if name, err := Remove(t.Context(), blobs, first); name != "a/1.pkl" || err != nil || removedState(t, blobs) != "none one none two" {
		t.Fatalf("removed: %s, %v, %s", name, err, removedState(t, blobs))
	}
	list, err := List(t.Context(), blobs)
	if p := list[first]; err != nil || p == nil || len(p.Names) > 0 || p.Removed != "a/1.pkl@removed" {
		t.Errorf("listed: %+v, %v", p, err)
	}
	if _, err := Remove(t.Context(), blobs, first); !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), "it is removed already; rollback puts it back") {
		t.Errorf("removed again: %v", err)
	}
	if name, err := Rollback(t.Context(), blobs, first); name != "a/1.pkl" || err != nil || removedState(t, blobs) != "two one none none" {
		t.Fatalf("put back: %s, %v, %s", name, err, removedState(t, blobs))
	}
	if _, err := Rollback(t.Context(), blobs, first); err != nil || removedState(t, blobs) != "one two none none" {
		t.Errorf("and rolled back: %v, %s", err, removedState(t, blobs))
	}
	if _, err := Remove(t.Context(), blobs, first); err != nil {
		t.Fatal(err)
	}
	publish(t, blobs, map[string][]byte{"a/1.joblib": two})
	if got := content(t, blobs, "a/1.joblib") + " " + removedState(t, blobs); got != "two none one none none" {
		t.Errorf("another is published: %s", got)
	}
	if _, err := Remove(t.Context(), blobs, fleet.Place{Scope: fleet.OfSensors}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("nothing removed: %v", err)
	}
}

// TestRemoveKilled: one that was killed anywhere is finished by the next, and so is the
// putting back; the model is never lost.
func TestRemoveKilled(t *testing.T) {
	t.Parallel()
	for changes := range 2 {
		blobs := published(t)
		if _, err := Remove(t.Context(), &mortal{blobs, changes}, first); !errors.Is(err, errKilled) {
			t.Fatalf("after %d changes: %v", changes, err)
		}
		if got := state(t, blobs); got != "two one none" {
			t.Errorf("killed after %d changes: %s", changes, got)
		}
		if _, err := Remove(t.Context(), blobs, first); err != nil || removedState(t, blobs) != "none one none two" {
			t.Errorf("killed after %d changes, and again: %v, %s", changes, err, removedState(t, blobs))
		}
		if _, err := Rollback(t.Context(), &mortal{blobs, changes}, first); !errors.Is(err, errKilled) {
			t.Fatalf("put back, after %d changes: %v", changes, err)
		}
		if _, err := Rollback(t.Context(), blobs, first); err != nil || removedState(t, blobs) != "two one none none" {
			t.Errorf("put back, killed after %d changes, and again: %v, %s", changes, err, removedState(t, blobs))
		}
	}
	blobs := published(t)
	_, _ = Remove(t.Context(), &mortal{blobs, 1}, first)
	publish(t, blobs, map[string][]byte{"a/1.pkl": one})
	if _, err := Rollback(t.Context(), blobs, first); err != nil || removedState(t, blobs) != "two one none none" {
		t.Errorf("killed, another published, rolled back: %v, %s", err, removedState(t, blobs))
	}
}

// TestRemoveMeanwhile: what another writes meanwhile is not taken away.
func TestRemoveMeanwhile(t *testing.T) {
	t.Parallel()
	blobs := &hasty{Memory: published(t)}
	if _, err := Remove(t.Context(), blobs, first); !errors.Is(err, blob.ErrChanged) || content(t, blobs.Memory, "a/1.pkl") != "other" {
		t.Errorf("%v, now %s", err, content(t, blobs.Memory, "a/1.pkl"))
	}
}
