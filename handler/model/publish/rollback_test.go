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

// mortal is a store that fails after a number of changes, as if the program had been killed.
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

// published returns a store in which two has replaced one.
func published(t *testing.T) *blob.Memory {
	t.Helper()
	blobs := new(blob.Memory)
	publish(t, blobs, map[string][]byte{"a/1.pkl": one})
	publish(t, blobs, map[string][]byte{"a/1.pkl": two})
	return blobs
}

// state returns the model, the previous one, and the one that a rollback replaces.
func state(t *testing.T, blobs blob.Store) string {
	t.Helper()
	return strings.Join([]string{content(t, blobs, "a/1.pkl"), content(t, blobs, "a/1@previous"), content(t, blobs, "a/1@replaced")}, " ")
}

// TestRollbackKilled kills a rollback at each of its changes. The next rollback, or publish, must
// finish it.
func TestRollbackKilled(t *testing.T) {
	t.Parallel()
	id := fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}
	for changes := range 4 {
		blobs := published(t)
		if _, err := Rollback(t.Context(), &mortal{blobs, changes}, id); !errors.Is(err, errKilled) {
			t.Fatalf("a rollback killed after %d changes: got %v", changes, err)
		}
		if _, err := Rollback(t.Context(), blobs, id); err != nil {
			t.Errorf("killed after %d changes, then rolled back: %v", changes, err)
		}
		if got := state(t, blobs); got != "one two none" {
			t.Errorf("killed after %d changes, then rolled back: got %s, want one two none", changes, got)
		}
		if _, err := Rollback(t.Context(), blobs, id); err != nil || state(t, blobs) != "two one none" {
			t.Errorf("killed after %d changes, then rolled back twice: got %s, %v; want two one none", changes, state(t, blobs), err)
		}
	}
	blobs := published(t)
	_, _ = Rollback(t.Context(), &mortal{blobs, 2}, id)
	publish(t, blobs, map[string][]byte{"a/1.pkl": two})
	if got := state(t, blobs); got != "two one none" {
		t.Errorf("killed, then published: got %s, want two one none", got)
	}
}

// TestPublishKilled kills publish before it replaces the model. The previous version is then the
// model itself, until publish is repeated.
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
		t.Errorf("rollback after publish was killed: got %s, %v; want fleet.ErrNotFound", state(t, blobs), err)
	}
	publish(t, blobs, map[string][]byte{"a/1.pkl": two})
	if _, err := Rollback(t.Context(), blobs, files[0].Place); err != nil || state(t, blobs) != "one two none" {
		t.Errorf("rollback after publish was repeated: got %s, %v; want one two none", state(t, blobs), err)
	}
}

// TestRollbackMeanwhile checks that a rollback does not undo what another writes meanwhile.
func TestRollbackMeanwhile(t *testing.T) {
	t.Parallel()
	blobs := &hasty{Memory: published(t)}
	if _, err := Rollback(t.Context(), blobs, fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("got %v, want blob.ErrChanged", err)
	}
	if got := content(t, blobs, "a/1.pkl"); got != "other" {
		t.Errorf("the model is %s, want the other", got)
	}
}

// hasty is a store in which another writes each model right after it is read.
type hasty struct{ *blob.Memory }

func (s *hasty) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	data, info, err := s.Memory.Read(ctx, container, name, etag, limit)
	if err == nil && !strings.Contains(name, "@") {
		err = put(ctx, s.Memory, name, "", []byte("another"))
	}
	return data, info, err
}

// TestPrevious checks that a model has one before it only after another was published.
func TestPrevious(t *testing.T) {
	t.Parallel()
	id := fleet.Place{Scope: fleet.OfDevice, Device: "a", Title: "1"}
	blobs := new(blob.Memory)
	for i, model := range [][]byte{one, two} {
		publish(t, blobs, map[string][]byte{"a/1.pkl": model})
		if there, err := Previous(t.Context(), blobs, id); there != (i == 1) || err != nil {
			t.Errorf("after %d: %v, %v", i+1, there, err)
		}
	}
}
