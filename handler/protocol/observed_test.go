package protocol

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// TestObserved checks that the log lines of an invocation have the ids of the trace that its
// message belongs to, and so has the line of its failure.
func TestObserved(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	sent, err := telemetry.New(t.Context(), telemetry.Settings{Traces: true, Metrics: true}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Shutdown(t.Context())
	var out output
	s := New(Options{Stdout: &out, Telemetry: sent})
	s.Queue("score", "message", time.Minute, func(_ context.Context, log *slog.Logger, _ string) error {
		log.Info("at work")
		return fmt.Errorf("SQL is away: %w", fleet.ErrUnavailable)
	})
	const id = "0af7651916cd43dd8448eb211c80319c"
	for text, of := range map[string]string{
		`{"v":1,"traceparent":"00-` + id + `-b7ad6b7169203331-01"}`: id,
		`{"v":1,"traceparent":7}`:                                   "",
		"no JSON":                                                   "",
	} {
		before := len(out.String())
		if status, _ := serve(t, s, invocation("score", text)); status != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d, want 503", text, status)
		}
		lines := out.String()[before:]
		if strings.Count(lines, `"trace_id":"`+of) != 2 || strings.Count(lines, "\n") != 2 || of == "" && strings.Contains(lines, id) {
			t.Errorf("%s is logged as\n%s\nwant two lines with the trace %q", text, lines, of)
		}
	}
	s.Handle(http.MethodGet, "/api/broken", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	s.route(http.MethodGet, "/api/missing", func(echo.Context) error { return fmt.Errorf("run x: %w", fleet.ErrNotFound) })
	for path, want := range map[string]int{"/api/broken": http.StatusInternalServerError, "/api/missing": http.StatusNotFound} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
	}
}
