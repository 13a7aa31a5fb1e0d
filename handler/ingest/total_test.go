package ingest

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// TestTotal holds that a process logs once a minute what it ingested since.
func TestTotal(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	in := &Ingester{Now: func() time.Time { return now }}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	lag := -9 * time.Second // the longest counts, not the last
	for range 7 {
		in.count(log, Batch{Bodies: make([][]byte, 2), Enqueued: []time.Time{now.Add(lag), {}}}, sums{events: 2, stored: 4, equal: 1, missing: 3}, []mapping.Refused{{Count: 1}})
		lag += time.Second
		now = now.Add(10 * time.Second)
	}
	var line struct {
		Msg                        string
		Events, Readings, Rejected int
		Stored, Duplicate, Missing int
		Lag                        float64 `json:"lag_s"`
		Seconds                    float64
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil { // one line exactly
		t.Fatalf("%v: %s", err, &out)
	}
	want := line
	want.Msg, want.Events, want.Readings, want.Rejected, want.Lag, want.Seconds = "ingest", 14, 35, 7, 9, 60
	want.Stored, want.Duplicate, want.Missing = 28, 7, 21
	if line != want {
		t.Errorf("got %+v, want %+v", line, want)
	}

	// What comes after the line is said when it is asked for, once, and from 0 on.
	in.count(log, Batch{Bodies: make([][]byte, 1)}, sums{events: 1, stored: 2}, nil)
	out.Reset()
	in.Flush(log)
	in.Flush(log)
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	want.Events, want.Readings, want.Rejected, want.Lag, want.Seconds = 1, 2, 0, 0, 10
	want.Stored, want.Duplicate, want.Missing = 2, 0, 0
	if line != want {
		t.Errorf("got %+v, want %+v", line, want)
	}
}
