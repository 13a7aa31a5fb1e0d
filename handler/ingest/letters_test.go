package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// program is a mapping by a program.
func program(t *testing.T, text string) ingest.MappingSource {
	t.Helper()
	m, err := mapping.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Fixed{Is: m}
}

// rejected returns dead letters of two batches of 3 events each, of the devices p0,
// p1 and p2, which the mapping does not understand. Their device is in what IoT Hub
// says of them alone.
func rejected(t *testing.T, blobs blob.Store) {
	t.Helper()
	in := &ingest.Ingester{Store: new(kept), Files: blobs, Map: program(t, `{refused: "the plant is unknown: \(.v)"}`)}
	for n := range int64(2) {
		b := ingest.Batch{Hub: "hub", Partition: "3"}
		var details []mapping.Detail
		for i := range int64(3) {
			b.Bodies = append(b.Bodies, fmt.Appendf(nil, `{"t":%d,"v":%d}`, 1795762800+10*n+i, i))
			b.Sequences = append(b.Sequences, 10*n+i)
			b.Enqueued = append(b.Enqueued, time.Unix(1795762800+3600*n+i, 0).UTC())
			details = append(details, mapping.Detail{Offset: "x", System: fmt.Appendf(nil, `{"iothub-connection-device-id":"p%d"}`, i)})
		}
		b.Details = func() []mapping.Detail { return details }
		if err := in.Ingest(t.Context(), quiet, b); err != nil {
			t.Fatal(err)
		}
	}
}

const repaired = `{device: $system["iothub-connection-device-id"], sensor: "s", ts: (.t | seconds), value: .v}`

func reasons(t *testing.T, blobs blob.Store, f ingest.Filter) (n int, replays []int) {
	t.Helper()
	for x, err := range (ingest.Letters{Files: blobs}).All(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		replays = append(replays, x.Replays)
	}
	return n, replays
}

func TestFilter(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	rejected(t, blobs)
	blobtest.Put(t, blobs, blob.DeadLetter, "messages/x.json", "no letter")
	at := func(s int64) time.Time { return time.Unix(1795762800+s, 0) }
	for _, tc := range []struct {
		f    ingest.Filter
		want int
	}{
		{ingest.Filter{}, 6}, {ingest.Filter{Reason: "Unknown: 1"}, 2}, {ingest.Filter{Reason: "clock"}, 0},
		{ingest.Filter{Device: "p1"}, 2}, {ingest.Filter{Device: "p[12]"}, 4}, {ingest.Filter{Device: "q*"}, 0},
		{ingest.Filter{From: at(1), To: at(3600)}, 2}, {ingest.Filter{To: at(3602)}, 5}, {ingest.Filter{Name: "hub/3/0000000000000000010"}, 3}, {ingest.Filter{Name: "hub/4"}, 0},
	} {
		if n, _ := reasons(t, blobs, tc.f); n != tc.want || tc.f.Check() != nil {
			t.Errorf("%+v selects %d, want %d", tc.f, n, tc.want)
		}
	}
	if err := (ingest.Filter{Device: "["}).Check(); err == nil {
		t.Error("a pattern without an end gives no error")
	}
}

// cutOff fails from the n-th change of a blob on, before it or after it.
type cutOff struct {
	blob.Store
	n     int
	after bool
}

var errKilled = errors.New("killed")

func (c *cutOff) change(f func() error) error {
	if c.n--; c.n < 0 {
		return errKilled
	}
	err := f()
	if c.n == 0 && c.after {
		c.n = -1
		return errors.Join(errKilled, err)
	}
	return err
}

func (c *cutOff) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (info blob.Info, err error) {
	err = c.change(func() error { info, err = c.Store.Write(ctx, container, name, cond, contentType, fill); return err })
	return info, err
}

func (c *cutOff) Delete(ctx context.Context, container, name string) error {
	return c.change(func() error { return c.Store.Delete(ctx, container, name) })
}

// Wherever a replay is killed, before or after the tick has taken what it gave back,
// done again it stores each reading once, and loses none.
func TestReplayKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, f := range []ingest.Filter{{}, {Device: "p1"}} {
		for n := range 6 {
			for _, drained := range []bool{false, true} {
				for _, after := range []bool{false, true} {
					blobs, sql := new(blob.Memory), new(kept)
					rejected(t, blobs)
					in := &ingest.Ingester{Store: sql, Files: blobs, Map: program(t, repaired)}
					_, err := ingest.Letters{Files: &cutOff{blobs, n, after}}.Replay(t.Context(), f, func(ingest.Replayed) {})
					if err != nil && !errors.Is(err, errKilled) {
						t.Fatal(err)
					}
					if drained {
						if err := in.Drain(t.Context(), quiet); err != nil {
							t.Fatal(err)
						}
					}
					for range 2 {
						if _, err := (ingest.Letters{Files: blobs}).Replay(t.Context(), f, func(ingest.Replayed) {}); err != nil {
							t.Fatal(err)
						}
					}
					if err := in.Drain(t.Context(), quiet); err != nil {
						t.Fatal(err)
					}
					left, _ := reasons(t, blobs, ingest.Filter{})
					want := map[bool]int{true: 2, false: 6}[f.Device != ""]
					if len(sql.values) != want || left != 6-want || len(names(t, blobs, blob.Spill)) != 0 {
						t.Errorf("%+v, killed at %d: %d readings are stored and %d letters left, want %d and %d", f, n, len(sql.values), left, want, 6-want)
					}
					for r := range sql.values {
						if !strings.HasPrefix(r.ID.Device, "p") {
							t.Errorf("stored is %v, want a device p0 to p2", r)
						}
					}
				}
			}
		}
	}
}

// eager drains what is spilled at once.
type eager struct {
	blob.Store
	in *ingest.Ingester
}

func (e eager) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	info, err := e.Store.Write(ctx, container, name, cond, contentType, fill)
	if err == nil && container == blob.Spill {
		err = e.in.Drain(ctx, quiet)
	}
	return info, err
}

// What is refused again is in the dead letter again, even if the tick is so fast that
// it refuses it before the old one is gone.
func TestReplayRefusedAgain(t *testing.T) {
	t.Parallel()
	blobs, sql := new(blob.Memory), new(kept)
	rejected(t, blobs)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: program(t, `if .v == 0 then `+repaired+` else {refused: "still unknown"} end`)}
	for n := 1; n <= 3; n++ {
		sum, err := ingest.Letters{Files: eager{blobs, in}}.Replay(t.Context(), ingest.Filter{}, func(ingest.Replayed) {})
		if err != nil {
			t.Fatal(err)
		}
		left, replays := reasons(t, blobs, ingest.Filter{})
		if len(sql.values) != 2 || left != 4 || replays[0] != n || sum.Lines != map[bool]int{true: 6, false: 4}[n == 1] {
			t.Errorf("time %d: %+v, %d stored, %d left, replayed %v times", n, sum, len(sql.values), left, replays)
		}
	}
	in.Map = program(t, repaired)
	if _, err := (ingest.Letters{Files: blobs}).Replay(t.Context(), ingest.Filter{}, func(ingest.Replayed) {}); err != nil {
		t.Fatal(err)
	}
	if err := in.Drain(t.Context(), quiet); err != nil || len(sql.values) != 6 || len(names(t, blobs, blob.DeadLetter)) != 0 {
		t.Errorf("%v: %d stored, %v left", err, len(sql.values), names(t, blobs, blob.DeadLetter))
	}
}
