package ingest_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
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
		if _, err := blobs.Write(t.Context(), blob.Config, "plant.jq", "", "", func(w io.Writer) error {
			_, err := io.WriteString(w, program)
			return err
		}); err != nil {
			t.Fatal(err)
		}
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
		t.Fatalf("spilled %v: %s", spilled, log.String())
	}
	publish(`{device: .d, sensor: "one", ts: $enqueued, value: .v}`)
	if err := in.Drain(t.Context(), quiet); err != nil || len(sql.values) != 1 {
		t.Fatalf("drained: %v, %v", sql.values, err)
	}
	publish(`{device: .d, sensor: "two", ts: $enqueued, value: .v}`)
	clear(sql.values)
	send(2, "a/two")
	publish(`{device: .d`)
	clear(sql.values)
	send(3, "a/two")
	if !strings.Contains(log.String(), "mapping not renewed") {
		t.Errorf("the log says %s", log.String())
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
		t.Errorf("%v", err)
	}
}
