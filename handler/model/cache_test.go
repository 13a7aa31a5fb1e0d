package model_test

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
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// file is a detector that is no more than the text of its file, which must
// begin with "ok".
type file string

func (f file) Kind() predict.Kind                           { return predict.Detector }
func (f file) Features() int                                { return 1 }
func (f file) FeatureNames() []string                       { return nil }
func (f file) Classes() []string                            { return nil }
func (f file) Predict(_ *predict.Result, _ []float64) error { return nil }
func (f file) Size() int                                    { return len(f) }
func (f file) Spec() *features.Spec                         { return nil }
func (f file) Detects() error                               { return nil }

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
	before       func() // each read
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

func (c *counted) publish(t *testing.T, name, content string) {
	t.Helper()
	_, err := c.Write(t.Context(), blob.Models, name, "", "", func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newCache(c *counted) *model.Cache { return model.NewCache(c, load, 100, 1<<20) }

// version is the present version of a blob.
func (c *counted) version(t *testing.T, name string) fleet.Model {
	t.Helper()
	info, err := c.Memory.Stat(t.Context(), blob.Models, name)
	if err != nil {
		t.Fatal(err)
	}
	return fleet.Model{Name: name, ETag: info.ETag, Size: info.Size}
}

// TestVersions asks for versions of a model: each is read once, none after it was
// replaced.
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
			t.Errorf("%s %s: %d reads, want %d", v.Name, v.ETag, n, reads)
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
		t.Errorf("%d looks", n)
	}
}

func TestConcurrentLoadsAreOne(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	blobs.publish(t, "default.pkl", "ok")
	const n = 20
	cache := newCache(blobs)
	version := blobs.version(t, "default.pkl")
	wait := make(chan struct{})
	blobs.before = func() { <-wait }
	// The first gives up while it reads for all.
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
		t.Errorf("the one that gave up got %v", err)
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
		t.Errorf("%d reads of one model", got)
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	blobs.publish(t, "a/b", "ok")
	version := blobs.version(t, "a/b")
	blobs.down = fmt.Errorf("look: %w", fleet.ErrUnavailable)
	cache := newCache(blobs)
	if _, err := cache.Model(t.Context(), version); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	blobs.down = nil
	if _, err := cache.Model(t.Context(), version); err != nil {
		t.Errorf("the failure is remembered: %v", err)
	}
}

// TestBound loads more than may be kept: those used last stay.
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
			t.Errorf("model %d was read again", i)
		}
	}
	if !use(ids[0]) || use(ids[7]) || !use(ids[9]) {
		t.Error("the one dropped is not the longest unused")
	}
	// Their size counts, and a version goes when the next comes.
	cache = model.NewCache(blobs, load, 100, 8*(100+512))
	for _, id := range ids {
		use(id)
	}
	if use(ids[2]) || !use(ids[1]) {
		t.Error("there are not eight of ten")
	}
	for range 20 {
		blobs.publish(t, ids[1].Name, "ok"+strings.Repeat("y", 98))
		ids[1] = blobs.version(t, ids[1].Name)
		use(ids[1])
	}
	if use(ids[2]) || use(ids[9]) {
		t.Error("versions of one model drop the others")
	}
	blobs.reads.Store(12)
	// One that is larger than the bound alone is kept until the next.
	small := model.NewCache(blobs, load, 100, 1)
	for range 2 {
		if _, err := small.Model(t.Context(), ids[0]); err != nil {
			t.Error(err)
		}
	}
	if got := blobs.reads.Load(); got != 13 {
		t.Errorf("%d reads in all, want 13", got)
	}
	for _, id := range ids[1:4] { // one is loaded after the other
		if _, err := small.Model(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

// TestAttributes reads each version of devices.csv once, also a bad one, and none
// that is too large.
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
			t.Errorf("%q after %d reads, want %q after %d", got, blobs.reads.Load()-before, want, reads)
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

// TestAttributesUnavailable: a failure to read devices.csv is not remembered.
func TestAttributesUnavailable(t *testing.T) {
	t.Parallel()
	blobs := &counted{down: fmt.Errorf("look: %w", fleet.ErrUnavailable)}
	blobs.publish(t, "devices.csv", "device,age\na,1\n")
	version := blobs.version(t, "devices.csv")
	cache := newCache(blobs)
	if _, err := cache.Attributes(t.Context(), version); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	blobs.down = nil
	if read, err := cache.Attributes(t.Context(), version); err != nil || read["a"]["age"] != "1" {
		t.Errorf("%v, %v", read, err)
	}
}

func TestSensorOf(t *testing.T) {
	t.Parallel()
	for _, id := range []fleet.ID{{Device: "a", Sensor: "b"}, {Device: "a_b", Sensor: "c"}, {Device: "model_1", Sensor: "2"}, {Device: "1.5", Sensor: "x.y"}} {
		for _, name := range model.Names(id) {
			if got, ok := model.SensorOf(name); !ok || got != id {
				t.Errorf("%s is the model of %v, %v; want %v", name, got, ok, id)
			}
			if got, ok := model.SensorOf(name + "@previous"); ok {
				t.Errorf("%s@previous serves %v", name, got)
			}
		}
	}
	for _, name := range slices.Concat([]string{"default.pkl", "default.json", "default", "", "a", "model_a", "model_a_b_c", "model_a_b.pkl", "a/b/c", "/b", "a /b"}) {
		if got, ok := model.SensorOf(name); ok {
			t.Errorf("%s is taken for the model of %v", name, got)
		}
	}
}

// TestLoadPanics: whoever waits for a model whose loading panics gets an error
// with the stack, and the process lives.
func TestLoadPanics(t *testing.T) {
	t.Parallel()
	c := &counted{}
	c.publish(t, "a/b", "ok")
	cache := model.NewCache(c, func([]byte) (model.Loaded, error) { panic("loading") }, 100, 1<<20)
	_, err := cache.Model(t.Context(), c.version(t, "a/b"))
	var p *spawn.Panic
	if !errors.As(err, &p) || p.Value != any("loading") || len(p.Stack) == 0 {
		t.Errorf("got %v, want the panic and its stack", err)
	}
}
