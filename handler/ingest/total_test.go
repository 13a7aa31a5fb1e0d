package ingest

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"
)

// TestTotal holds that a process logs once a minute what it ingested since.
func TestTotal(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	in := &Ingester{Now: func() time.Time { return now }}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for range 7 {
		in.count(log, Batch{Bodies: make([][]byte, 2), Enqueued: []time.Time{now.Add(-3 * time.Second), {}}}, 5, 1)
		now = now.Add(10 * time.Second)
	}
	var line struct {
		Msg                        string
		Events, Readings, Rejected int
		Lag                        float64 `json:"lag_s"`
		Seconds                    float64
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil { // one line exactly
		t.Fatalf("%v: %s", err, &out)
	}
	want := line
	want.Msg, want.Events, want.Readings, want.Rejected, want.Lag, want.Seconds = "ingest", 14, 35, 7, 3, 60
	if line != want {
		t.Errorf("got %+v, want %+v", line, want)
	}
}
