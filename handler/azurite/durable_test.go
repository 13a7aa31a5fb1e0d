package azurite_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
)

// TestKilled kills an Azurite that keeps its data in a folder while blobs are written,
// replaced and deleted. What it has confirmed is there after each restart.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	want := make(map[string]string) // content by name; of what was not confirmed nothing is said
	for round := range 4 {
		s, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		storage := open(t, s)
		for name, content := range want {
			got, _, err := storage.Read(t.Context(), blob.Models, name, "", 1<<20)
			if err != nil && content != "" || content == "" && err == nil || string(got) != content {
				t.Errorf("round %d: %s: got %d bytes, %v; want %d bytes", round, name, len(got), err, len(content))
			}
		}
		killed := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for n := 0; ; n++ {
			if n == 20 { // it is killed while the next ones are written
				go func() {
					defer close(killed)
					syscall.Kill(s.PID, syscall.SIGKILL)
					<-s.Ended()
					cancel()
				}()
			}
			name := fmt.Sprintf("d/%d", n%7)
			if n%5 == 4 {
				err = storage.Delete(ctx, blob.Models, name)
				want[name] = ""
			} else {
				content := bytes.Repeat([]byte{'a' + byte(round)}, 1+n*100)
				_, err = storage.Write(ctx, blob.Models, name, "", "text/plain", func(w io.Writer) error {
					_, err := w.Write(content)
					return err
				})
				want[name] = string(content)
			}
			if err != nil {
				delete(want, name) // it may be kept or not
				break
			}
		}
		<-killed
	}
	if len(want) == 0 {
		t.Error("nothing was confirmed")
	}
}

// TestFolderIsHeld checks that a folder is used by one Azurite at a time. One that is about
// to end is waited for.
func TestFolderIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := azurite.Start(t.Context(), azurite.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another Azurite uses the folder") {
		t.Errorf("a second one starts in the folder: %v, %v", second, err)
	}
	if err := syscall.Kill(first.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	next, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
}

// TestNotKept: a change that cannot be kept, as the disk is full or the folder gone, is
// not confirmed.
func TestNotKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storage := open(t, s)
	write := func(ctx context.Context) error {
		_, err := storage.Write(ctx, blob.Models, "d/s", "", "text/plain", func(w io.Writer) error {
			_, err := w.Write([]byte("content"))
			return err
		})
		return err
	}
	if err := write(t.Context()); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "__azurite_db_blob__.json")
	if err := os.Remove(table); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(table, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // the client tries again and again
	defer cancel()
	if err := write(ctx); err == nil {
		t.Error("it is confirmed, and the table is not written")
	}
	if err := os.RemoveAll(table); err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(table); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the table is not written once it can be: %v", err)
	}
}

func open(t *testing.T, s *azurite.Server) blob.Store {
	t.Helper()
	storage, err := azure.OpenConnectionString(s.ConnectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(storage.Close)
	return storage.Blobs()
}
