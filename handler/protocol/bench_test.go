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

	"github.com/fleetscore/fleetscore/handler/measure"
)

// BenchmarkInvocation is the CPU time of an invocation whose function does
// nothing, over that of a server which only reads the same bytes and answers
// the same ones. Both ends of the connection are in it.
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
	const invocations = 200 // in a round
	rounds := func(handler http.Handler) func() {
		server := httptest.NewServer(handler)
		b.Cleanup(server.Close)
		return func() {
			for range invocations {
				resp, err := http.Post(server.URL+"/score", "application/json", io.MultiReader(strings.NewReader(body)))
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatal(resp, err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}
	}
	costs := measure.Turns(b, rounds(s), rounds(bare))
	measure.Report(b, "x-bare", func(of func(measure.Costs) time.Duration) float64 {
		return of(costs[0]).Seconds() / of(costs[1]).Seconds()
	})
}
