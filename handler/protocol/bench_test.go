package protocol

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkInvocation is what an invocation costs beside the function: over a
// server that only reads the same bytes and answers the same ones.
func BenchmarkInvocation(b *testing.B) {
	var cases []struct{ Body string }
	testdata(b, "queue.json", &cases)
	body := strings.ReplaceAll(cases[0].Body, `"msg"`, `"message"`)
	s := New(Options{Stdout: io.Discard})
	s.Queue("score", "message", time.Minute, func(context.Context, *slog.Logger, string) error { return nil })
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		replyJSON(w, http.StatusOK, []byte("{}"))
	})
	for name, handler := range map[string]http.Handler{"bare": bare, "handler": s} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(handler)
			defer server.Close()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := http.Post(server.URL+"/score", "application/json", io.MultiReader(strings.NewReader(body)))
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatal(resp, err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
