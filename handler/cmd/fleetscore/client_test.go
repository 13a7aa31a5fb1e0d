package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// flaky answers 503 to the first request of each path, then that one run has
// ended.
func flaky(t *testing.T) *client {
	t.Helper()
	const run = `{"id":"20260301T000000Z-20260301T010000Z","state":"succeeded","kind":"scheduled","progress":{"jobs":0,"closed":0},"ended_at":"2026-03-01T01:00:05Z","from":"2026-03-01T00:00:00Z","to":"2026-03-01T01:00:00Z"}`
	var asked sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, again := asked.LoadOrStore(r.URL.Path, true)
		switch {
		case !again:
			http.Error(w, `{"detail":"unavailable"}`, http.StatusServiceUnavailable)
		case r.URL.Path == "/api/runs":
			fmt.Fprintf(w, `{"runs":[%s]}`, run)
		case strings.HasSuffix(r.URL.Path, "/jobs"):
			fmt.Fprint(w, `{"jobs":[]}`)
		default:
			fmt.Fprint(w, run)
		}
	}))
	t.Cleanup(server.Close)
	return &client{url: server.URL, key: "k"}
}

func TestWaitOutlives503(t *testing.T) {
	t.Parallel()
	run, err := flaky(t).wait(t.Context(), "20260301T000000Z-20260301T010000Z", nil)
	if err != nil || run.State.Open() {
		t.Errorf("%v, %v", run.State, err)
	}
}

// ending cancels once something was written.
type ending struct {
	strings.Builder
	cancel context.CancelFunc
}

func (e *ending) Write(p []byte) (int, error) {
	e.cancel()
	return e.Builder.Write(p)
}

// TestServeOutlives503 has the list and the jobs answered once with 503. serve goes on, and
// prints the run.
func TestServeOutlives503(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &ending{cancel: cancel}
	if err := (console{out: out}).tell(ctx, &stack{api: flaky(t)}, serveFlags{idle: true}, time.Time{}, time.Time{}); ctx.Err() == nil {
		t.Fatalf("serve ended: %v", err)
	}
	if !strings.Contains(out.String(), "succeeded") {
		t.Errorf("told %q", out.String())
	}
}

// TestServeTellsNoOldRun has a run that ended before serve began, and one that ended after. serve
// prints the second.
func TestServeTellsNoOldRun(t *testing.T) {
	t.Parallel()
	const run = `{"id":"20260301T0%d0000Z-20260301T0%d0000Z","state":"succeeded","kind":"scheduled","ended_at":"2026-03-01T0%d:00:05Z","from":"2026-03-01T0%d:00:00Z","to":"2026-03-01T0%d:00:00Z"}`
	of := func(hour int) string { return fmt.Sprintf(run, hour, hour+1, hour+1, hour, hour+1) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/runs" {
			fmt.Fprintf(w, `{"runs":[%s,%s]}`, of(1), of(2))
			return
		}
		fmt.Fprint(w, `{"jobs":[]}`)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &ending{cancel: cancel}
	began := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	if err := (console{out: out}).tell(ctx, &stack{api: &client{url: server.URL, key: "k"}}, serveFlags{idle: true}, began, time.Time{}); ctx.Err() == nil {
		t.Fatalf("serve ended: %v", err)
	}
	if got := out.String(); !strings.Contains(got, "20260301T020000Z-") || strings.Contains(got, "20260301T010000Z-") {
		t.Errorf("told %q", got)
	}
}

// TestServeKnowsWhatWasSent checks that serve does not count known anomalies of readings
// from before the fleet began to send.
func TestServeKnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	pumps := simulatedFleet(3, 1).fleet
	hour := fleet.Window{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)}
	told := func(from time.Time) (known int) {
		var out strings.Builder
		console{out: &out}.tellRun(runs.Run{From: hour.From, To: hour.To, Kind: fleet.Scheduled}, nil, serveFlags{fleet: pumps}, from)
		_, text, counted := strings.Cut(out.String(), "anomalies (")
		if !counted { // nothing was sent of that hour
			return -1
		}
		if _, err := fmt.Sscanf(text, "%d known)", &known); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		return known
	}
	before, half, after := told(hour.From.Add(-time.Hour)), told(hour.From.Add(30*time.Minute)), told(hour.To)
	if before == 0 || half == 0 || half >= before || after != -1 {
		t.Errorf("known of an hour that was sent wholly %d, from its middle %d, not at all %d", before, half, after)
	}
}

// TestTerminal checks that control characters of an answer do not reach the terminal.
func TestTerminal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"detail":"no \u001b[2Jrun"}`)
	}))
	defer server.Close()
	var out, errs strings.Builder
	code := run(t.Context(), []string{"runs", "show", "20260301T000000Z-20260301T010000Z", "--url", server.URL, "--key", "k"},
		func(string) string { return "" }, strings.NewReader(""), &out, &errs)
	if code == 0 || strings.ContainsRune(errs.String()+out.String(), 0x1b) || !strings.Contains(errs.String(), `no \x1b[2Jrun`) {
		t.Errorf("%d: %q %q", code, out.String(), errs.String())
	}
}
