package ingest_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/store"
)

// wantFaults fails if others than these were counted of device 1's sensor 2.
func wantFaults(t *testing.T, db *store.DB, what string, want fleet.SensorFaults) {
	t.Helper()
	got, err := db.SensorFaults(t.Context(), fleet.ID{Device: "1", Sensor: "2"}, fleet.Window{From: time.UnixMilli(0), To: time.UnixMilli(1 << 42)})
	if err != nil || got != want {
		t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
	}
}

// inOrder is a batch whose events reached the hub one after the other.
func inOrder(first int64, bodies ...[]byte) ingest.Batch {
	b := batchOf(first, bodies...)
	for i := range b.Enqueued {
		b.Enqueued[i] = b.Enqueued[i].Add(time.Duration(first) * time.Millisecond)
	}
	return b
}

// TestFaultsCountOnce delivers batches again, cut anywhere. What is wrong about a sensor
// counts once for each event.
func TestFaultsCountOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	away := false
	sql := &outage{db, func([]fleet.Reading) error {
		if away {
			return fmt.Errorf("away: %w", fleet.ErrUnavailable)
		}
		return nil
	}}
	in := &ingest.Ingester{Store: sql, Files: new(blob.Memory), Map: mapped}
	take := func(b ingest.Batch) {
		t.Helper()
		if err := in.Ingest(t.Context(), quiet, b); err != nil {
			t.Fatal(err)
		}
	}
	events := [][]byte{
		body(0), body(0), // a copy in the same batch
		[]byte(`{"device":1,"sensor":2,"ts":1535497200000,"value":2}`),
		[]byte(`{"device":1,"sensor":2,"ts":1535497200000,"value":"high"}`),
		[]byte(`{"device":1,"sensor":3,"ts":1535497200000,"value":"high"}`), // no such sensor
		[]byte(`no reading`),
		body(1),
		[]byte(`[{"device":1,"sensor":2,"ts":{},"value":2},{"device":1,"sensor":2,"ts":1535497201000,"value":2}]`),
		body(1),
	}
	want := fleet.SensorFaults{Duplicate: 2, Conflict: 1, Rejected: 2}
	for first := range events {
		take(inOrder(int64(first), events[first:]...))
		wantFaults(t, db, fmt.Sprint("delivered again from event ", first), want)
	}
	if subjects, err := db.Subjects(t.Context(), fleet.ID{}, 10); err != nil || len(subjects) != 1 {
		t.Errorf("sensors %v, %v; want one", subjects, err)
	}

	replayed, archived, unknown := inOrder(100, body(0)), inOrder(100, body(0)), inOrder(100, body(0))
	replayed.Replays, archived.Archived, unknown.Sequences = 1, true, nil
	for _, b := range []ingest.Batch{replayed, archived, unknown} {
		take(b)
		wantFaults(t, db, "again by intent, or from nobody knows where", want)
	}

	away = true
	take(inOrder(20, body(0), body(0)))
	away = false
	take(inOrder(22, body(0)))
	want.Duplicate++
	wantFaults(t, db, "behind what was spilled", want)
	if err := in.Drain(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	want.Duplicate += 2
	wantFaults(t, db, "drained", want)
}

// TestFaultsOfPieces stores the readings of one batch in several transactions, which may
// end in the middle of an event. If the process dies between two of them, the counts after
// the next delivery are the same.
func TestFaultsOfPieces(t *testing.T) {
	t.Parallel()
	db := open(t)
	calls, dies := 0, 0
	sql := &outage{db, func([]fleet.Reading) error {
		if calls++; calls == dies {
			return errors.New("killed")
		}
		return nil
	}}
	event := func(sensor int) []byte {
		all := bytes.Replace(readings(sensor, 6000, "1"), []byte(`"d"`), []byte(`1`), -1)
		return append([]byte(`[{"device":1,"sensor":2,"ts":{}},`), all[1:]...)
	}
	bodies := [][]byte{body(0), event(2), event(2), event(4), event(2)}
	for _, dies = range []int{1, 2, 3, 0} {
		calls = 0
		in := &ingest.Ingester{Store: sql, Files: new(blob.Memory), Map: mapped}
		b := inOrder(0, bodies...)
		if err := in.Ingest(t.Context(), quiet, b); err != nil {
			t.Fatal(err)
		}
	}
	wantFaults(t, db, "at the end", fleet.SensorFaults{Duplicate: 1 + 2*6000, Rejected: 4})
	if calls != 3 {
		t.Errorf("%d transactions, want 3", calls)
	}
}
