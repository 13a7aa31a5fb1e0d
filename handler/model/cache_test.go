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

func load(data []byte) (predict.Model, error) {
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
	if c.down != nil {
		return blob.Info{}, c.down
	}
	return c.Memory.Stat(ctx, container, name)
}

func (c *counted) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	c.reads.Add(1)
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

// TestWhichServes has, for sensor a/b or a_/b, what is published and what
// serves, or the error and what it names.
func TestWhichServes(t *testing.T) {
	t.Parallel()
	plain, underscore := fleet.ID{Device: "a", Sensor: "b"}, fleet.ID{Device: "a_c", Sensor: "b"}
	for _, c := range []struct {
		id        fleet.ID
		published string // names, apart by blanks
		want      string
		err       error
	}{
		{plain, "a/b", "a/b", nil},
		{plain, "a/b.pkl a/c.pkl a/b2 b/a", "a/b.pkl", nil},
		{plain, "a/b.joblib default.pkl", "a/b.joblib", nil},
		{plain, "model_a_b", "model_a_b", nil},
		{plain, "model_a_b.pkl default.joblib", "default.joblib", nil},
		{underscore, "a_c/b", "a_c/b", nil},
		{underscore, "model_a_c_b default.pkl", "default.pkl", nil},
		{plain, "default.pkl", "default.pkl", nil},
		{plain, "default.joblib", "default.joblib", nil},
		{plain, "a/b@previous a/b.pkl@previous default.pkl@previous A/b a/B a/b.onnx default", "a/b.pkl nor a default", fleet.ErrNoModel},
		{plain, "a/b.pkl a/b.joblib", "a/b.pkl and a/b.joblib", fleet.ErrBadModel},
		{plain, "a/b model_a_b", "a/b and model_a_b", fleet.ErrBadModel},
		{plain, "default.pkl default.joblib", "default.pkl and default.joblib", fleet.ErrBadModel},
	} {
		blobs := &counted{}
		for name := range strings.FieldsSeq(c.published) {
			blobs.publish(t, name, "ok "+name)
		}
		cache := newCache(blobs)
		for range 2 { // cold, then warm
			m, err := cache.Model(t.Context(), c.id)
			if c.err != nil {
				if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.id.String()) {
					t.Errorf("%s: got %v, want %v with %q", c.published, err, c.err, c.want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.published, err)
				continue
			}
			if sum := fmt.Sprintf("%x", sha256.Sum256([]byte("ok "+c.want))); m.Name() != c.want || m.SHA256() != sum {
				t.Errorf("%s: served by %s with sha256 %s, want %s with %s", c.published, m.Name(), m.SHA256(), c.want, sum)
			}
		}
	}
}

// TestPublishedTakesEffect changes what is published between two jobs, in
// every way, and asks for the model after each.
func TestPublishedTakesEffect(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	cache := newCache(blobs)
	id := fleet.ID{Device: "a", Sensor: "b"}
	for _, step := range []struct {
		do   func()
		want string // content, or part of an error
	}{
		{func() {}, "no model"},
		{func() { blobs.publish(t, "default.pkl", "ok 1") }, "ok 1"},
		{func() { blobs.publish(t, "a/b.pkl", "ok 2") }, "ok 2"},
		{func() { blobs.publish(t, "a/b.pkl", "ok 3") }, "ok 3"},
		{func() { blobs.publish(t, "a/b.pkl", "broken") }, "bad model: a/b.pkl: it is not ok"},
		{func() { blobs.publish(t, "a/b.pkl", "ok "+strings.Repeat("x", 98)) }, "bad model: a/b.pkl: the file has 101 bytes"},
		{func() { blobs.publish(t, "a/b.pkl", "ok 4") }, "ok 4"},
		{func() { blobs.publish(t, "a/b", "ok 5") }, "bad model"},
		{func() { blobs.Delete(t.Context(), blob.Models, "a/b.pkl") }, "ok 5"},
		{func() { blobs.Delete(t.Context(), blob.Models, "a/b") }, "ok 1"},
		{func() { blobs.publish(t, "default.pkl", "ok 6") }, "ok 6"},
		{func() { blobs.Delete(t.Context(), blob.Models, "default.pkl") }, "no model"},
	} {
		step.do()
		m, err := cache.Model(t.Context(), id)
		if err != nil {
			if !strings.Contains(err.Error(), step.want) {
				t.Errorf("got %v, want %q", err, step.want)
			}
		} else if got := string(m.Model.(file)); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
}

// TestRequests counts what a job costs: one round of looks when warm, no
// reading, however bad the model.
func TestRequests(t *testing.T) {
	t.Parallel()
	for content, name := range map[string]string{"ok": "a/b", "broken": "a/b", "ok default": "default.pkl"} {
		blobs := &counted{}
		blobs.publish(t, name, content)
		cache := newCache(blobs)
		id := fleet.ID{Device: "a", Sensor: "b"}
		cache.Model(t.Context(), id)
		if n := blobs.reads.Load(); n != 1 {
			t.Errorf("%s: %d reads when cold", content, n)
		}
		stats := blobs.stats.Load()
		cache.Model(t.Context(), id)
		want := len(model.Names(id))
		if name != "a/b" {
			want += len(model.Defaults)
		}
		if n := int(blobs.stats.Load() - stats); n != want || blobs.reads.Load() != 1 {
			t.Errorf("%s: %d looks and %d reads when warm, want %d and none", content, n, blobs.reads.Load()-1, want)
		}
	}
}

func TestConcurrentLoadsAreOne(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	blobs.publish(t, "default.pkl", "ok")
	const n = 20
	cache := newCache(blobs)
	wait := make(chan struct{})
	blobs.before = func() { <-wait }
	// The first gives up while it reads for all.
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := cache.Model(ctx, fleet.ID{Device: "a", Sensor: "first"})
		first <- err
	}()
	for blobs.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that gave up got %v", err)
	}
	stats := blobs.stats.Load()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := cache.Model(t.Context(), fleet.ID{Device: "a", Sensor: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	for blobs.stats.Load() < stats+n*6 {
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
	blobs := &counted{down: fmt.Errorf("look: %w", fleet.ErrUnavailable)}
	cache := newCache(blobs)
	if _, err := cache.Model(t.Context(), fleet.ID{Device: "a", Sensor: "b"}); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	// A model that is deleted whenever it has been looked at.
	vanishing := &counted{}
	vanishing.publish(t, "a/b", "ok")
	vanishing.before = func() {
		vanishing.Delete(t.Context(), blob.Models, "a/b")
		defer vanishing.publish(t, "a/c", "ok")
	}
	if _, err := newCache(vanishing).Model(t.Context(), fleet.ID{Device: "a", Sensor: "b"}); !errors.Is(err, fleet.ErrNoModel) {
		t.Errorf("got %v", err)
	}
}

// TestBound loads more than may be kept: those used last stay.
func TestBound(t *testing.T) {
	t.Parallel()
	blobs := &counted{}
	ids := make([]fleet.ID, 10)
	for i := range ids {
		ids[i] = fleet.ID{Device: "a", Sensor: fmt.Sprint(i)}
		blobs.publish(t, ids[i].String(), "ok"+strings.Repeat("x", 98))
	}
	cache := model.NewCache(blobs, load, 100, 3*(100+512))
	use := func(id fleet.ID) (read bool) {
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
	for _, name := range slices.Concat(model.Defaults, []string{"", "a", "model_a", "model_a_b_c", "model_a_b.pkl", "a/b/c", "/b", "a /b"}) {
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
	cache := model.NewCache(c, func([]byte) (predict.Model, error) { panic("loading") }, 100, 1<<20)
	_, err := cache.Model(t.Context(), fleet.ID{Device: "a", Sensor: "b"})
	var p *spawn.Panic
	if !errors.As(err, &p) || p.Value != any("loading") || len(p.Stack) == 0 {
		t.Errorf("got %v, want the panic and its stack", err)
	}
}
