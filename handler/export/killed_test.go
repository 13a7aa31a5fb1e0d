package export_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// mortal are files that fail after a number of operations, as if the process had been
// killed. before is called after each Stat of a Parquet file.
type mortal struct {
	*blob.Memory
	left   int // operations until it fails
	before func()
}

var errKilled = errors.New("killed")

// spend counts an operation.
func (m *mortal) spend() error {
	if m.left--; m.left < 0 {
		return errKilled
	}
	return nil
}

func (m *mortal) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	if err := m.spend(); err != nil {
		return blob.Info{}, err
	}
	info, err := m.Memory.Stat(ctx, container, name)
	if m.before != nil && strings.HasSuffix(name, ".parquet") {
		m.before()
	}
	return info, err
}

func (m *mortal) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	if err := m.spend(); err != nil {
		return nil, blob.Info{}, err
	}
	return m.Memory.Read(ctx, container, name, etag, limit)
}

func (m *mortal) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	if err := m.spend(); err != nil {
		return blob.Info{}, err
	}
	return m.Memory.Write(ctx, container, name, cond, contentType, fill)
}

// TestKilled kills the end of a run at each of its operations, and ends the run again. The
// files must be those of a run that was not killed.
func TestKilled(t *testing.T) {
	t.Parallel()
	whole := newBench(t)
	whole.closeAll(hour)
	whole.end(hour)
	want := whole.written()
	for n := 0; ; n++ {
		b := newBench(t)
		b.closeAll(hour)
		m := &mortal{Memory: b.files, left: n}
		out := &export.Exporter{Ledger: b.db, Files: serial{m}, Parquet: true, Now: clock}
		ender := &ledger.Ender{Ledger: b.db, Files: serial{m}, Export: out, Now: clock}
		err := ender.End(t.Context(), slog.New(slog.DiscardHandler), hour.RunID())
		if err == nil {
			if n < 10 {
				t.Errorf("the end of a run took %d operations, want at least 10", n)
			}
			return
		}
		if !errors.Is(err, errKilled) || b.state(hour) != fleet.RunRunning {
			t.Fatalf("killed at operation %d: got %v and a run that is %s, want it running", n, err, b.state(hour))
		}
		b.end(hour)
		if got := b.written(); b.state(hour) != fleet.RunSucceeded || !sameFiles(got, want) || b.read("latest.json") == "" || b.read(ledger.ManifestName(hour.RunID())) == "" {
			t.Errorf("killed at operation %d, then ended: the run is %s with %d files, want those of the whole run", n, b.state(hour), len(got))
		}
	}
}

// lock is held during an operation of serial files.
var lock = make(chan struct{}, 1)

// serial are mortal files whose operations run one after another.
type serial struct{ *mortal }

func (s serial) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	lock <- struct{}{}
	defer func() { <-lock }()
	return s.mortal.Stat(ctx, container, name)
}

func (s serial) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	lock <- struct{}{}
	defer func() { <-lock }()
	return s.mortal.Read(ctx, container, name, etag, limit)
}

func (s serial) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	lock <- struct{}{}
	defer func() { <-lock }()
	return s.mortal.Write(ctx, container, name, cond, contentType, fill)
}

func sameFiles(a, b map[string]string) bool {
	for name, content := range a {
		if b[name] != content {
			return false
		}
	}
	return len(a) == len(b)
}

// TestLateWriter lets an export pause before it writes its first Parquet file. Meanwhile
// the run is scored and exported again. The paused export must not replace the newer files.
func TestLateWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	first := true
	m := &mortal{Memory: b.files, left: math.MaxInt}
	m.before = func() {
		if !first {
			return
		}
		first = false
		if _, _, err := b.db.Rescore(t.Context(), hour.RunID(), func(fleet.ID) bool { return true }, nil, nil, clock()); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			b.close(hour, id, csvOf(id, 5))
		}
		b.end(hour)
	}
	late := &ledger.Ender{Ledger: b.db, Files: serial{m}, Now: clock, Export: &export.Exporter{Ledger: b.db, Files: serial{m}, Parquet: true, Now: clock}}
	if err := late.End(t.Context(), slog.New(slog.DiscardHandler), hour.RunID()); err != nil {
		t.Fatal(err)
	}
	for name, content := range b.written() {
		for _, r := range records(t, content) {
			if *r.Score != 5 {
				t.Errorf("%s has a row of the older jobs: %+v", name, r)
			}
		}
	}
	if b.state(hour) != fleet.RunSucceeded || first {
		t.Errorf("the run is %s, want succeeded", b.state(hour))
	}
}
