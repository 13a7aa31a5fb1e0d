package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
)

// A mapping in a blob is read again when it changes. Until there is one, events
// are spilled; one that is wrong or gone does not stop what worked.
func TestProgram(t *testing.T) {
	t.Parallel()
	blobs, sql := new(blob.Memory), new(kept)
	now := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: &ingest.Program{Files: blobs, Name: "plant.jq", Now: func() time.Time { return now }}}
	publish := func(program string) {
		t.Helper()
		blobtest.Put(t, blobs, blob.Config, "plant.jq", program)
	}
	var log bytes.Buffer
	send := func(n int64, want string) {
		t.Helper()
		log.Reset()
		now = now.Add(time.Minute)
		before := len(sql.values)
		if err := in.Ingest(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), batchOf(n, []byte(`{"d":"a","v":1}`))); err != nil {
			t.Fatal(err)
		}
		stored := "nothing"
		for r := range sql.values {
			if len(sql.values) > before && r.Time == fleet.Millis(1535497205007) {
				stored = r.ID.String()
			}
		}
		if len(sql.values) > before && !strings.Contains(stored, want) || len(sql.values) == before && want != "" {
			t.Errorf("batch %d: stored %s, want %q; %s", n, stored, want, log.String())
		}
	}
	send(1, "")
	if spilled := names(t, blobs, blob.Spill); len(spilled) != 1 || !strings.Contains(log.String(), "mapping config/plant.jq") {
		t.Fatalf("spilled are %v, want one batch, and a line that names the mapping: %s", spilled, log.String())
	}
	publish(`{device: .d, sensor: "one", ts: $enqueued, value: .v}`)
	if err := in.Drain(t.Context(), quiet); err != nil || len(sql.values) != 1 {
		t.Fatalf("drained are %v, %v; want one reading", sql.values, err)
	}
	publish(`{device: .d, sensor: "two", ts: $enqueued, value: .v}`)
	clear(sql.values)
	send(2, "a/two")
	publish(`{device: .d`)
	clear(sql.values)
	send(3, "a/two")
	if !strings.Contains(log.String(), "mapping not renewed") {
		t.Errorf("the log says %s, want that the mapping is not renewed", log.String())
	}
	if err := blobs.Delete(t.Context(), blob.Config, "plant.jq"); err != nil {
		t.Fatal(err)
	}
	clear(sql.values)
	send(4, "a/two")
	publish(`{device: .d, sensor: "three", ts: $enqueued, value: .v}`)
	clear(sql.values)
	send(5, "a/three")

	// A wrong one and none before: nothing is rejected for it.
	broken := &ingest.Program{Files: blobs, Name: "broken.jq", Now: func() time.Time { return now }}
	if _, _, err := broken.Mapping(t.Context(), quiet); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a mapping that is wrong: %v, want %v", err, fleet.ErrUnavailable)
	}
}

// Rules in a blob are read again when they change. What they count alone is in no
// dead letter.
func TestRuleFile(t *testing.T) {
	t.Parallel()
	blobs, sql := new(blob.Memory), new(kept)
	now := time.Date(2018, 8, 29, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	kept := new(figures)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped, Rules: &ingest.RuleFile{Files: blobs, Name: "limits.json", Now: clock}, Now: clock, Figures: kept}
	publish := func(text string) {
		t.Helper()
		blobtest.Put(t, blobs, blob.Config, "limits.json", text)
	}
	send := func(n int64, value string) {
		t.Helper()
		now = now.Add(time.Minute)
		if err := in.Ingest(t.Context(), quiet, batchOf(n, []byte(`{"device":"d","sensor":"s","ts":`+value+`000,"value":`+value+`}`))); err != nil {
			t.Fatal(err)
		}
	}
	send(1, "1535497201")
	if len(sql.values) != 0 || len(names(t, blobs, blob.Spill)) != 1 {
		t.Fatalf("without rules %v are stored, want none and one spilled batch", sql.values)
	}
	publish(`{"rules": [{"range": {"max": 5}, "else": "count"}]}`)
	send(2, "1535497202")
	if len(sql.values) != 0 || len(names(t, blobs, blob.DeadLetter)) != 0 {
		t.Errorf("else count: stored %v, dead letters %v; want none", sql.values, names(t, blobs, blob.DeadLetter))
	}
	publish(`{"rules": [{"range": {"max": 5}}]}`)
	send(3, "1535497203")
	if len(sql.values) != 0 || len(names(t, blobs, blob.DeadLetter)) != 1 {
		t.Errorf("refused: stored %v, dead letters %v; want no reading and one letter", sql.values, names(t, blobs, blob.DeadLetter))
	}
	publish(`{"rules": [{"convert": {"scale": 1e-9}}]}`)
	now = now.Add(time.Minute)
	if err := in.Drain(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	send(4, "1535497204")
	if len(sql.values) != 2 {
		t.Errorf("converted: stored %v, want two readings", sql.values)
	}
	if err := in.Record(t.Context()); err != nil || kept.total.Rejected != 2 || kept.total.Stored != 2 {
		t.Errorf("%v, figures %+v; want 2 rejected and 2 stored", err, kept.total)
	}
}

// figures sums what it is told.
type figures struct{ total fleet.Ingested }

func (f *figures) AddIngested(_ context.Context, minutes []fleet.Ingested) error {
	for _, m := range minutes {
		f.total.Add(m)
	}
	return nil
}
