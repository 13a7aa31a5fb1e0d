package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/runs"
)

func TestIngestStatus(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := runs.Ingest{From: noon.Add(-time.Hour), To: noon, Range: "hour", Sum: runs.Ingested{Events: 12, Stored: 345, Duplicate: 6, Conflict: 7, Missing: 8, Rejected: 9, LagSeconds: 1.25},
		Refusals: []runs.Refusal{{Reason: "ts: no time", Count: 9, Example: "ts: no time \"\x1b[2Jnoon\"", DeadLetter: "readings/0/7.jsonl"}},
		Columns:  []runs.Ingested{{From: noon.Add(-time.Hour), Events: 12, Stored: 345}, {From: noon.Add(-time.Minute)}},
		Spill:    runs.Spill{Batches: 2, Bytes: 4096, Oldest: noon.Add(-2 * time.Hour)}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/api/ingest?range=day" {
			t.Errorf("asked for %s", r.URL)
		}
		_ = json.NewEncoder(w).Encode(in)
	}))
	defer server.Close()
	for _, c := range []struct {
		flag string
		want []string
	}{
		{"", []string{"345 readings stored", "7 conflicts", "longest lag 1.3s", "2 batches wait to be stored, 4096 bytes, the oldest since 2026-03-01 10:00:00", "9 refused: ts: no time\n  such as: ts: no time \"\\x1b[2Jnoon\"\n", "deadletter show readings/0/7.jsonl"}},
		{"--csv", []string{"from,events,stored,duplicate,conflict,missing,rejected,lag_seconds\n2026-03-01T11:00:00Z,12,345,0,0,0,0,0\n2026-03-01T11:59:00Z,0"}},
		{"--json", []string{`"spill": {`, `"oldest": "2026-03-01T10:00:00Z"`}},
	} {
		args := []string{"ingest", "status", "--range", "day", "--url", server.URL, "--key", "k"}
		if c.flag != "" {
			args = append(args, c.flag)
		}
		var out, errs strings.Builder
		if code := run(t.Context(), args, func(string) string { return "" }, strings.NewReader(""), &out, &errs); code != 0 {
			t.Errorf("%s: %d %s", c.flag, code, errs.String())
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q lacks %q", c.flag, out.String(), want)
			}
		}
	}
}
