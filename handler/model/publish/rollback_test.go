package publish

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

var errKilled = errors.New("killed")

// mortal is a store of which a program makes so many changes until it is killed.
type mortal struct {
	*blob.Memory
	left int
}

func (m *mortal) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	if m.left == 0 {
		return blob.Info{}, errKilled
	}
	m.left--
	return m.Memory.Write(ctx, container, name, cond, contentType, fill)
}

func (m *mortal) Delete(ctx context.Context, container, name string) error {
	if m.left == 0 {
		return errKilled
	}
	m.left--
	return m.Memory.Delete(ctx, container, name)
}

// published returns a store where one was replaced by two.
func published(t *testing.T) *blob.Memory {
	t.Helper()
	blobs := new(blob.Memory)
	publish(t, blobs, map[string][]byte{"a/1.pkl": one})
	publish(t, blobs, map[string][]byte{"a/1.pkl": two})
	return blobs
}

func state(t *testing.T, blobs blob.Store) string {
	t.Helper()
	return strings.Join([]string{content(t, blobs, "a/1.pkl"), content(t, blobs, "a/1@previous"), content(t, blobs, "a/1@replaced")}, " ")
}

// TestRollbackKilled holds that a rollback killed anywhere is finished by the
// next, and that publish takes over from it.
func TestRollbackKilled(t *testing.T) {
	t.Parallel()
	id := fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}
	for changes := range 4 {
		blobs := published(t)
		if _, err := Rollback(t.Context(), &mortal{blobs, changes}, id); !errors.Is(err, errKilled) {
			t.Fatalf("after %d changes: %v", changes, err)
		}
		if _, err := Rollback(t.Context(), blobs, id); err != nil {
			t.Errorf("killed after %d changes, and again: %v", changes, err)
		}
		if got := state(t, blobs); got != "one two none" {
			t.Errorf("killed after %d changes, and again: %s", changes, got)
		}
		if _, err := Rollback(t.Context(), blobs, id); err != nil || state(t, blobs) != "two one none" {
			t.Errorf("killed after %d changes, again, and back: %s, %v", changes, state(t, blobs), err)
		}
	}
	blobs := published(t)
	_, _ = Rollback(t.Context(), &mortal{blobs, 2}, id)
	publish(t, blobs, map[string][]byte{"a/1.pkl": two})
	if got := state(t, blobs); got != "two one none" {
		t.Errorf("killed, then published: %s", got)
	}
}

// TestPublishKilled: what was kept is what is served, until publish is repeated.
func TestPublishKilled(t *testing.T) {
	t.Parallel()
	blobs, dir := new(blob.Memory), dirOf(map[string][]byte{"a/1.pkl": two})
	publish(t, blobs, map[string][]byte{"a/1.pkl": one})
	files, _, _ := Find(dir, "")
	steps, err := Plan(t.Context(), blobs, dir, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), &mortal{blobs, 2}, dir, steps, nil); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if _, err := Rollback(t.Context(), blobs, files[0].Place); !errors.Is(err, fleet.ErrNotFound) || state(t, blobs) != "one one none" {
		t.Errorf("rollback after half a publish: %s, %v", state(t, blobs), err)
	}
	publish(t, blobs, map[string][]byte{"a/1.pkl": two})
	if _, err := Rollback(t.Context(), blobs, files[0].Place); err != nil || state(t, blobs) != "one two none" {
		t.Errorf("rollback after the whole: %s, %v", state(t, blobs), err)
	}
}

// TestRollbackMeanwhile holds that what another writes meanwhile is not undone.
func TestRollbackMeanwhile(t *testing.T) {
	t.Parallel()
	blobs := &hasty{Memory: published(t)}
	if _, err := Rollback(t.Context(), blobs, fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("%v", err)
	}
	if got := content(t, blobs, "a/1.pkl"); got != "other" {
		t.Errorf("now %s", got)
	}
}

// hasty is a store where another writes each model right after it was read.
type hasty struct{ *blob.Memory }

func (s *hasty) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	data, info, err := s.Memory.Read(ctx, container, name, etag, limit)
	if err == nil && !strings.Contains(name, "@") {
		err = put(ctx, s.Memory, name, "", []byte("another"))
	}
	return data, info, err
}
