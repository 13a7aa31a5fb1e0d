// Package blobtest is the suite that every blob.Store passes, and writes blobs for other
// tests.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Writer has the method of [blob.Store] that [Put] needs.
type Writer interface {
	Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error)
}

// Put writes a blob for a test, in place of one of that name. It returns the blob's Info.
func Put(t testing.TB, s Writer, container, name, content string) blob.Info {
	t.Helper()
	info, err := s.Write(t.Context(), container, name, "", "", func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// Test runs the suite on s, in containers that begin with prefix and don't
// exist yet.
func Test(t *testing.T, s blob.Store, prefix string) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store)
	}{
		{"write-read", testWriteRead},
		{"missing", testMissing},
		{"conditions", testConditions},
		{"fill-fails", testFillFails},
		{"limit", testLimit},
		{"list", testList},
		{"delete", testDelete},
		{"writers", testWriters},
		{"cancelled", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, store{s, prefix + "-" + c.name})
		})
	}
}

// store is a blob.Store with one container.
type store struct {
	blob.Store
	container string
}

func (s store) write(ctx context.Context, name string, cond blob.Condition, content []byte) (blob.Info, error) {
	return s.Write(ctx, s.container, name, cond, "text/csv", func(w io.Writer) error {
		for piece := range slices.Chunk(content, 1<<20+7) { // across the blocks of any size
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	})
}

// stat returns what is known of a blob, without when it was written.
func (s store) stat(t *testing.T, name string) (blob.Info, error) {
	t.Helper()
	info, err := s.Stat(t.Context(), s.container, name)
	if err == nil {
		checkModified(t, info)
	}
	info.Modified = time.Time{}
	return info, err
}

func checkModified(t *testing.T, info blob.Info) {
	t.Helper()
	if info.Modified.IsZero() || info.Modified.Location() != time.UTC || info.Modified.Nanosecond() != 0 {
		t.Errorf("%s was modified at %v, want whole seconds of UTC", info.Name, info.Modified)
	}
}

func (s store) mustWrite(t *testing.T, name, content string) blob.Info {
	t.Helper()
	info, err := s.write(t.Context(), name, "", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func (s store) wantContent(t *testing.T, name string, want []byte) {
	t.Helper()
	got, _, err := s.Read(t.Context(), s.container, name, "", 1<<30)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes %.20q, want %d bytes %.20q", name, len(got), got, len(want), want)
	}
}

func wantError(t *testing.T, err, want error, text ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
		return
	}
	for _, s := range text {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not name %q", err, s)
		}
	}
}

func testWriteRead(t *testing.T, s store) {
	for name, content := range map[string][]byte{
		"empty":          {},
		"1/2.csv":        []byte("TS,Val\n"),
		"a/b@previous":   []byte("x"),
		"odd %2F+&?#é":   []byte("y"),
		"some/block":     bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16),
		"several/blocks": bytes.Repeat([]byte("0123456789abcde\n"), 9<<20/16+3),
	} {
		wrote, err := s.write(t.Context(), name, "", content)
		if err != nil {
			t.Error(err)
			continue
		}
		want := blob.Info{Name: name, ETag: wrote.ETag, Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}
		if wrote != want || wrote.ETag == "" {
			t.Errorf("Write returned %+v, want %+v", wrote, want)
		}
		if got, err := s.stat(t, name); err != nil || got != want {
			t.Errorf("Stat returned %+v, %v; want %+v", got, err, want)
		}
		if _, got, err := s.Read(t.Context(), s.container, name, "", 1<<30); err != nil || got != want {
			t.Errorf("Read returned %+v, %v; want %+v", got, err, want)
		}
		s.wantContent(t, name, content)
	}
}

func testMissing(t *testing.T, s store) {
	for range 2 { // first without the container, then with it
		_, err := s.Stat(t.Context(), s.container, "a/b")
		wantError(t, err, blob.ErrNotFound, s.container, "a/b")
		_, _, err = s.Read(t.Context(), s.container, "a/b", "", 10)
		wantError(t, err, blob.ErrNotFound, s.container, "a/b")
		_, _, err = s.Read(t.Context(), s.container, "a/b", `"0x1"`, 10)
		if !errors.Is(err, blob.ErrChanged) {
			wantError(t, err, blob.ErrNotFound)
		}
		if err := s.Delete(t.Context(), s.container, "a/b"); err != nil {
			t.Error(err)
		}
		for info, err := range s.List(t.Context(), s.container, "a/") {
			t.Errorf("listed %+v, %v", info, err)
		}
		s.mustWrite(t, "other", "x")
	}
}

// testConditions writes short content and content of several blocks, which
// take different ways.
func testConditions(t *testing.T, s store) {
	for _, size := range []int{10, 9 << 20} {
		name := fmt.Sprint("blob", size)
		content := func(c byte) []byte { return bytes.Repeat([]byte{c}, size) }
		_, err := s.write(t.Context(), name, `"0x8D0000000000000"`, content('a'))
		wantError(t, err, blob.ErrChanged, s.container, name) // there is none to match

		first, err := s.write(t.Context(), name, blob.Absent, content('b'))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.write(t.Context(), name, blob.Absent, content('c'))
		wantError(t, err, blob.ErrChanged, s.container, name)
		s.wantContent(t, name, content('b'))

		if _, got, err := s.Read(t.Context(), s.container, name, first.ETag, 1<<30); err != nil || got != first {
			t.Errorf("read of a version: %+v, %v; want %+v", got, err, first)
		}

		second, err := s.write(t.Context(), name, blob.Condition(first.ETag), content('d'))
		if err != nil || second.ETag == first.ETag {
			t.Fatalf("second write: ETag %s after %s, %v", second.ETag, first.ETag, err)
		}
		_, err = s.write(t.Context(), name, blob.Condition(first.ETag), content('e'))
		wantError(t, err, blob.ErrChanged)
		s.wantContent(t, name, content('d'))
		_, _, err = s.Read(t.Context(), s.container, name, first.ETag, 1<<30)
		wantError(t, err, blob.ErrChanged, s.container, name)
		if _, err := s.write(t.Context(), name, "", content('f')); err != nil {
			t.Error(err)
		}
		s.wantContent(t, name, content('f'))
	}
}

func testFillFails(t *testing.T, s store) {
	before := s.mustWrite(t, "a", "before")
	for _, size := range []int{10, 9 << 20} {
		mine := errors.New("mine")
		_, err := s.Write(t.Context(), s.container, "a", "", "text/csv", func(w io.Writer) error {
			if _, err := w.Write(make([]byte, size)); err != nil {
				return err
			}
			return mine
		})
		wantError(t, err, mine)
		if got, err := s.stat(t, "a"); err != nil || got != before {
			t.Errorf("afterwards: %+v, %v; want %+v", got, err, before)
		}
	}
}

func testLimit(t *testing.T, s store) {
	s.mustWrite(t, "a", "12345")
	if _, _, err := s.Read(t.Context(), s.container, "a", "", 5); err != nil {
		t.Error(err)
	}
	_, _, err := s.Read(t.Context(), s.container, "a", "", 4)
	wantError(t, err, fleet.ErrInvalid, "a")
}

func testList(t *testing.T, s store) {
	wrote := map[string]blob.Info{}
	for _, name := range []string{"a/b", "a/a", "a/B", "a.b", "a", "b/a", "a/b@previous", "a/b.pkl", "A/b"} {
		info := s.mustWrite(t, name, name)
		info.SHA256 = ""
		wrote[name] = info
	}
	for prefix, want := range map[string][]string{
		"":     {"A/b", "a", "a.b", "a/B", "a/a", "a/b", "a/b.pkl", "a/b@previous", "b/a"},
		"a/":   {"a/B", "a/a", "a/b", "a/b.pkl", "a/b@previous"},
		"a/b":  {"a/b", "a/b.pkl", "a/b@previous"},
		"none": nil,
	} {
		var got []string
		for info, err := range s.List(t.Context(), s.container, prefix) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Name)
			checkModified(t, info)
			info.SHA256, info.Modified = "", time.Time{}
			if info != wrote[info.Name] {
				t.Errorf("listed %+v, want %+v", info, wrote[info.Name])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
	for info, err := range s.List(t.Context(), s.container, "") { // may be left early
		if err != nil || info.Name != "A/b" {
			t.Errorf("first is %s, %v", info.Name, err)
		}
		break
	}
}

func testDelete(t *testing.T, s store) {
	s.mustWrite(t, "a", "x")
	s.mustWrite(t, "a/b", "y")
	if err := s.Delete(t.Context(), s.container, "a"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Stat(t.Context(), s.container, "a")
	wantError(t, err, blob.ErrNotFound)
	s.wantContent(t, "a/b", []byte("y"))
	if _, err := s.write(t.Context(), "a", blob.Absent, []byte("again")); err != nil {
		t.Error(err)
	}
}

// testWriters lets writers race under one condition: one of them succeeds,
// and its content, whole, is what the blob holds.
func testWriters(t *testing.T, s store) {
	for _, size := range []int{100, 5 << 20} {
		for _, cond := range []func(name string) blob.Condition{
			func(string) blob.Condition { return blob.Absent },
			func(name string) blob.Condition { return blob.Condition(s.mustWrite(t, name, "old").ETag) },
		} {
			name := fmt.Sprintf("blob-%d-%p", size, cond)
			condition := cond(name)
			var won atomic.Int32
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					_, err := s.write(t.Context(), name, condition, bytes.Repeat([]byte{'0' + byte(i)}, size))
					if err == nil {
						won.Add(1)
					} else if !errors.Is(err, blob.ErrChanged) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("%d bytes, condition %s: %d writers of 4 succeeded", size, condition, won.Load())
			}
			got, _, err := s.Read(t.Context(), s.container, name, "", 1<<30)
			if err != nil || len(got) != size || bytes.Count(got, got[:1]) != size {
				t.Errorf("%d bytes %.10q, %v; want one writer's %d", len(got), got, err, size)
			}
		}
	}
}

func testCancelled(t *testing.T, s store) {
	s.mustWrite(t, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Stat(ctx, s.container, "a")
	wantError(t, err, context.Canceled)
	_, _, err = s.Read(ctx, s.container, "a", "", 10)
	wantError(t, err, context.Canceled)
	_, err = s.write(ctx, "a", "", []byte("y"))
	wantError(t, err, context.Canceled)
	wantError(t, s.Delete(ctx, s.container, "a"), context.Canceled)
	for _, err := range s.List(ctx, s.container, "") {
		wantError(t, err, context.Canceled)
	}
	s.wantContent(t, "a", []byte("x"))
}
