package model_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// file is a detector that consists of the text of its file, which must begin with "ok".
type file string

func (f file) Kind() predict.Kind                           { return predict.Detector }
func (f file) Features() int                                { return 1 }
func (f file) FeatureNames() []string                       { return nil }
func (f file) Classes() []string                            { return nil }
func (f file) Predict(_ *predict.Result, _ []float64) error { return nil }
func (f file) Size() int                                    { return len(f) }
func (f file) Spec() *features.Spec                         { return nil }
func (f file) Detects() error                               { return nil }

// load loads a file.
func load(data []byte) (model.Loaded, error) {
	if !bytes.HasPrefix(data, []byte("ok")) {
		return nil, errors.New("it is not ok")
	}
	return file(data), nil
}

// counted counts the requests to a store, and may fail them.
type counted struct {
	blob.Memory
	stats, reads atomic.Int32
	down         error
	before       func() // called before each read
}

func (c *counted) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	c.stats.Add(1)
	return c.Memory.Stat(ctx, container, name)
}

func (c *counted) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	c.reads.Add(1)
	if c.down != nil {
		return nil, blob.Info{}, c.down
	}
	if c.before != nil {
		c.before()
	}
	return c.Memory.Read(ctx, container, name, etag, limit)
}

// publish writes a model.
func (c *counted) publish(t *testing.T, name, content string) {
	t.Helper()
	blobtest.Put(t, c, blob.Models, name, content)
}

// newCache returns a cache of up to 1 MiB, for files of up to 100 bytes.
func newCache(c *counted) *model.Cache { return model.NewCache(c, load, 100, 1<<20) }

// version returns the present version of a blob.
func (c *counted) version(t *testing.T, name string) fleet.Model {
	t.Helper()
	info, err := c.Memory.Stat(t.Context(), blob.Models, name)
	if err != nil {
		t.Fatal(err)
	}
	return fleet.Model{Name: name, ETag: info.ETag, Size: info.Size}
}

// TestVersions checks that each version of a model is read once, also a bad one, and that a
// version which was replaced is not returned once a newer one was read.
func TestVersions(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	cache := newCache(blobs)
	get := func(v fleet.Model, want string, reads int) {
		t.Helper()
		before := blobs.reads.Load()
		m, err := cache.Model(t.Context(), v)
		switch {
		case err == nil:
			if got := string(m.Loaded.(file)); got != want || m.Name() != v.Name || m.SHA256() != fmt.Sprintf("%x", sha256.Sum256([]byte(want))) {
				t.Errorf("got %q of %s with sha256 %s, want %q of %s", got, m.Name(), m.SHA256(), want, v.Name)
			}
		case !strings.Contains(err.Error(), want):
			t.Errorf("got %v, want %q", err, want)
		}
		if n := int(blobs.reads.Load() - before); n != reads {
			t.Errorf("version %s of %s: got %d reads, want %d", v.ETag, v.Name, n, reads)
		}
	}
	blobs.publish(t, "a/b.pkl", "ok 1")
	first := blobs.version(t, "a/b.pkl")
	get(first, "ok 1", 1)
	get(first, "ok 1", 0)
	blobs.publish(t, "a/b.pkl", "ok 2")
	second := blobs.version(t, "a/b.pkl")
	get(second, "ok 2", 1)
	get(first, blob.ErrChanged.Error(), 1)
	get(second, "ok 2", 0)
	blobs.publish(t, "a/b.pkl", "broken")
	bad := blobs.version(t, "a/b.pkl")
	get(bad, "bad model: a/b.pkl: it is not ok", 1)
	get(bad, "bad model: a/b.pkl: it is not ok", 0)
	blobs.publish(t, "a/b.pkl", "ok "+strings.Repeat("x", 98))
	get(blobs.version(t, "a/b.pkl"), "bad model: a/b.pkl: the file has 101 bytes", 0)
	blobs.Delete(t.Context(), blob.Models, "a/b.pkl")
	get(second, blob.ErrNotFound.Error(), 1)
	if n := blobs.stats.Load(); n != 0 {
		t.Errorf("%d calls of Stat, want none", n)
	}
}

// TestConcurrentLoadsAreOne checks that callers who ask for a model at the same time share one
// read, and that the read goes on if the caller who began it gives up.
func TestConcurrentLoadsAreOne(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	blobs.publish(t, "default.pkl", "ok")
	const n = 20
	cache := newCache(blobs)
	version := blobs.version(t, "default.pkl")
	wait := make(chan struct{})
	blobs.before = func() { <-wait }
	// The first caller gives up during its read.
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := cache.Model(ctx, version)
		first <- err
	}()
	for blobs.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that gave up: got %v, want context.Canceled", err)
	}
	var wg sync.WaitGroup
	var asked atomic.Int32
	for range n {
		wg.Go(func() {
			asked.Add(1)
			if _, err := cache.Model(t.Context(), version); err != nil {
				t.Error(err)
			}
		})
	}
	for asked.Load() < n {
		time.Sleep(time.Millisecond)
	}
	close(wait)
	wg.Wait()
	if got := blobs.reads.Load(); got != 1 {
		t.Errorf("%d reads of one model, want 1", got)
	}
}

// TestUnavailable checks that a failure of the storage is not remembered.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	blobs.publish(t, "a/b", "ok")
	version := blobs.version(t, "a/b")
	blobs.down = fmt.Errorf("read: %w", fleet.ErrUnavailable)
	cache := newCache(blobs)
	if _, err := cache.Model(t.Context(), version); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("got %v, want fleet.ErrUnavailable", err)
	}
	blobs.down = nil
	if _, err := cache.Model(t.Context(), version); err != nil {
		t.Errorf("after the storage is back: %v", err)
	}
}

// TestBound loads more models than the cache may keep. The most recently used ones stay.
func TestBound(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	ids := make([]fleet.Model, 10)
	for i := range ids {
		name := fmt.Sprint("a/", i)
		blobs.publish(t, name, "ok"+strings.Repeat("x", 98))
		ids[i] = blobs.version(t, name)
	}
	cache := model.NewCache(blobs, load, 100, 3*(100+512))
	use := func(id fleet.Model) (read bool) {
		before := blobs.reads.Load()
		if _, err := cache.Model(t.Context(), id); err != nil {
			t.Error(err)
		}
		return blobs.reads.Load() > before
	}
	for _, id := range ids {
		use(id)
	}
	for _, i := range []int{9, 8, 7} {
		if use(ids[i]) {
			t.Errorf("model %d, one of the last three, was read again", i)
		}
	}
	if !use(ids[0]) || use(ids[7]) || !use(ids[9]) {
		t.Error("the cache did not drop the model that was unused the longest")
	}
	// The size of the models counts. The next version of a model replaces the one before.
	cache = model.NewCache(blobs, load, 100, 8*(100+512))
	for _, id := range ids {
		use(id)
	}
	if use(ids[2]) || !use(ids[1]) {
		t.Error("the cache does not have just the last eight of ten models")
	}
	for range 20 {
		blobs.publish(t, ids[1].Name, "ok"+strings.Repeat("y", 98))
		ids[1] = blobs.version(t, ids[1].Name)
		use(ids[1])
	}
	if use(ids[2]) || use(ids[9]) {
		t.Error("new versions of one model dropped other models")
	}
	blobs.reads.Store(0)
	// A model that is larger than the bound is kept until the next one is loaded.
	small := model.NewCache(blobs, load, 100, 1)
	for range 2 {
		if _, err := small.Model(t.Context(), ids[0]); err != nil {
			t.Error(err)
		}
	}
	if got := blobs.reads.Load(); got != 1 {
		t.Errorf("%d reads of a model larger than the bound, want 1", got)
	}
	for _, id := range ids[1:4] {
		if _, err := small.Model(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

// TestAttributes checks that each version of devices.csv is read once, also a bad one, and
// that one which is too large is not read.
func TestAttributes(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	cache := newCache(blobs)
	get := func(v fleet.Model, want string, reads int32) {
		t.Helper()
		before := blobs.reads.Load()
		a, err := cache.Attributes(t.Context(), v)
		got := a["a"]["age"]
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || blobs.reads.Load()-before != reads {
			t.Errorf("got %q after %d reads, want %q after %d", got, blobs.reads.Load()-before, want, reads)
		}
	}
	blobs.publish(t, "devices.csv", "device,age\na,1\n")
	first := blobs.version(t, "devices.csv")
	get(first, "1", 1)
	get(first, "1", 0)
	blobs.publish(t, "devices.csv", "device,age\na,2\n")
	get(blobs.version(t, "devices.csv"), "2", 1)
	get(first, blob.ErrChanged.Error(), 1)
	get(blobs.version(t, "devices.csv"), "2", 0)
	blobs.publish(t, "devices.csv", "no,age\na,2\n")
	get(blobs.version(t, "devices.csv"), "no column device", 1)
	get(blobs.version(t, "devices.csv"), "no column device", 0)
	large := blobs.version(t, "devices.csv")
	large.Size = 64 << 20
	get(large, "no column device", 0)
	large.ETag = "large"
	get(large, blob.ErrChanged.Error(), 1)
	large.Size = 64<<20 + 1
	get(large, "67108865 bytes, more than 67108864", 0)
}

// TestAttributesUnavailable checks that a failure to read devices.csv is not remembered.
func TestAttributesUnavailable(t *testing.T) {
	t.Parallel()
	blobs := &counted{down: fmt.Errorf("read: %w", fleet.ErrUnavailable)}
	blobs.publish(t, "devices.csv", "device,age\na,1\n")
	version := blobs.version(t, "devices.csv")
	cache := newCache(blobs)
	if _, err := cache.Attributes(t.Context(), version); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("got %v, want fleet.ErrUnavailable", err)
	}
	blobs.down = nil
	if read, err := cache.Attributes(t.Context(), version); err != nil || read["a"]["age"] != "1" {
		t.Errorf("after the storage is back: got %v, %v", read, err)
	}
}

// TestLoadPanics checks that a panic of the loader becomes an error with the stack.
func TestLoadPanics(t *testing.T) {
	t.Parallel()
	c := &counted{}
	c.publish(t, "a/b", "ok")
	cache := model.NewCache(c, func([]byte) (model.Loaded, error) { panic("loading") }, 100, 1<<20)
	_, err := cache.Model(t.Context(), c.version(t, "a/b"))
	var p *spawn.Panic
	if !errors.As(err, &p) || p.Value != any("loading") || len(p.Stack) == 0 {
		t.Errorf("got %v, want a spawn.Panic with a stack", err)
	}
}
