package protocol

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// output is a stdout that a test can read.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func invocation(function, text string) *http.Request {
	body := fmt.Sprintf(`{"Data":{"message":%s},"Metadata":{}}`, quote(quote(text)))
	r := httptest.NewRequest(http.MethodPost, "/"+function, strings.NewReader(body))
	r.Header.Set("X-Azure-Functions-InvocationId", "7d88e811-6814-470d-88c0-2c996aa04381")
	return r
}

// reply is what the host reads of a reply.
type reply struct {
	Logs   []string
	Error  string
	Detail string
}

// serve sends a request and checks what is so of every reply to the host: it is
// application/json, has a length, and is a JSON object.
func serve(t *testing.T, s *Server, r *http.Request) (int, reply) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var rep reply
	if err := json.Unmarshal(w.Body.Bytes(), &rep); err != nil || !strings.HasPrefix(w.Body.String(), "{") {
		t.Errorf("%s: the body is no JSON object: %q", r.URL, w.Body)
	}
	want := "application/json"
	if strings.HasPrefix(r.URL.Path, "/api/") && w.Code >= 400 {
		want = "application/problem+json"
	}
	if ct := w.Header().Get("Content-Type"); ct != want {
		t.Errorf("%s: Content-Type %q, want %q", r.URL, ct, want)
	}
	if n := w.Header().Get("Content-Length"); n != fmt.Sprint(w.Body.Len()) {
		t.Errorf("%s: Content-Length %q, want %d", r.URL, n, w.Body.Len())
	}
	return w.Code, rep
}

func TestReply(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, tc := range []struct {
		name   string
		do     func(log *slog.Logger) error
		status int
		logs   int      // lines in the reply
		stdout []string // each found in stdout; none: it stays empty
	}{
		{"success", func(*slog.Logger) error { return nil }, 200, 0, nil},
		{"success with logs", func(log *slog.Logger) error { log.Info("a\nb"); log.Warn("<c>"); log.Debug("no"); return nil }, 200, 2, nil},
		{"bad for good", func(log *slog.Logger) error { log.Info("a"); return fmt.Errorf("x: %w", fleet.ErrInvalid) }, 200, 2, nil},
		{"conflict", func(*slog.Logger) error { return fleet.ErrConflict }, 200, 1, nil},
		{"unavailable", func(log *slog.Logger) error { log.Info("before"); return fmt.Errorf("sql: %w", fleet.ErrUnavailable) }, 503, 0, []string{`"before"`, `"sql: unavailable"`, `"invocation":"7d88e811-`, `"function":"score"`}},
		{"anything else", func(*slog.Logger) error { return boom }, 500, 0, []string{`"boom"`}},
		{"panic", func(*slog.Logger) error { panic(boom) }, 500, 0, []string{`"panic: boom"`, `"stack"`, "server_test.go"}},
		{"runtime panic", func(*slog.Logger) error { return []error{nil}[len(t.Name())] }, 500, 0, []string{"index out of range"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var stdout output
			s := New(Options{Stdout: &stdout})
			s.Queue("score", "message", time.Minute, func(_ context.Context, log *slog.Logger, text string) error {
				if text != "hello" {
					t.Errorf("the function got the text %q, want hello", text)
				}
				return tc.do(log)
			})
			status, rep := serve(t, s, invocation("score", "hello"))
			if status != tc.status || len(rep.Logs) != tc.logs {
				t.Errorf("status %d, logs %q; want %d and %d lines", status, rep.Logs, tc.status, tc.logs)
			}
			for _, line := range rep.Logs {
				if !json.Valid([]byte(line)) {
					t.Errorf("log line %q is not JSON", line)
				}
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("stdout lacks %s: %s", want, stdout.String())
				}
			}
			if tc.stdout == nil && stdout.String() != "" {
				t.Errorf("the lines in the reply are on stdout too: %s", stdout.String())
			}
		})
	}
}

func TestInvocationRefused(t *testing.T) {
	t.Parallel()
	var stdout output
	s := New(Options{Stdout: &stdout, MaxBody: 100})
	ran := false
	s.Queue("score", "message", time.Minute, func(context.Context, *slog.Logger, string) error { ran = true; return nil })
	body := `{"Data":{"message":"\"` + strings.Repeat("x", 100-27) + `\""}}`
	if len(body) != 100 {
		t.Fatalf("the body has %d bytes", len(body))
	}
	if status, _ := serve(t, s, httptest.NewRequest("POST", "/score", strings.NewReader(body))); status != 200 || !ran {
		t.Errorf("the largest body: status %d, the function ran: %v; want 200, and that it ran", status, ran)
	}
	ran = false
	for _, tc := range []struct {
		method, body string
		status       int
	}{
		{"POST", body + " ", 413},
		{"POST", "", 500},
		{"POST", "{}", 500},
		{"POST", "not json", 500},
		{"POST", `{"Data":{"other":"x"}}`, 500},
		{"GET", "", 405},
	} {
		if status, _ := serve(t, s, httptest.NewRequest(tc.method, "/score", strings.NewReader(tc.body))); status != tc.status || ran {
			t.Errorf("%s %.30q: status %d, ran %v; want %d", tc.method, tc.body, status, ran, tc.status)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // its clock moves when all wait
		const deadline = 8 * time.Minute
		var stdout output
		s := New(Options{Stdout: &stdout})
		s.Queue("heeds", "message", deadline, func(ctx context.Context, _ *slog.Logger, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		s.Queue("ignores", "message", deadline, func(_ context.Context, log *slog.Logger, _ string) error {
			log.Info("early")
			time.Sleep(time.Hour)
			log.Info("too late")
			return nil
		})
		begin := time.Now()
		if status, rep := serve(t, s, invocation("heeds", "x")); status != 500 || !strings.Contains(rep.Error, "deadline exceeded") || time.Since(begin) != deadline {
			t.Errorf("after %v: status %d, %q; want 500 at the deadline of %v", time.Since(begin), status, rep.Error, deadline)
		}
		begin = time.Now()
		if status, rep := serve(t, s, invocation("ignores", "x")); status != 500 || !strings.Contains(rep.Error, "still running 1m0s") || time.Since(begin) != 9*time.Minute {
			t.Errorf("after %v: status %d, %q; want 500 after 9 minutes", time.Since(begin), status, rep.Error)
		}
		time.Sleep(time.Hour)
		for _, want := range []string{"early", "still running", "too late"} {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("stdout lacks %q: %s", want, stdout.String())
			}
		}
	})
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	s := New(Options{Stdout: io.Discard})
	var ticks int
	var got Events
	s.Timer("schedule", "myTimer", time.Minute, func(context.Context, *slog.Logger) error { ticks++; return nil })
	s.EventHub("ingest", "events", time.Minute, func(_ context.Context, _ *slog.Logger, ev Events) error { got = ev; return nil })
	var timers, events []struct{ Body string }
	testdata(t, "timer.json", &timers)
	testdata(t, "events.json", &events)
	for _, c := range timers {
		if status, _ := serve(t, s, httptest.NewRequest("POST", "/schedule", strings.NewReader(c.Body))); status != 200 {
			t.Errorf("timer: status %d, want 200", status)
		}
	}
	if ticks != len(timers) {
		t.Errorf("the function ran %d times, want %d", ticks, len(timers))
	}
	if status, _ := serve(t, s, httptest.NewRequest("POST", "/ingest", strings.NewReader(events[0].Body))); status != 200 || len(got.Bodies) != 4 {
		t.Errorf("events: status %d, %d bodies; want 200 and 4", status, len(got.Bodies))
	}
	for function, body := range map[string]string{"/schedule": events[0].Body, "/ingest": timers[0].Body} {
		if status, _ := serve(t, s, httptest.NewRequest("POST", function, strings.NewReader(body))); status != 500 {
			t.Errorf("%s got an invocation of another trigger: status %d, want 500", function, status)
		}
	}
}

// TestWire replays whole requests, byte for byte as the host sent them: chunked,
// without a length.
func TestWire(t *testing.T) {
	t.Parallel()
	s := New(Options{Stdout: io.Discard})
	var texts []string
	s.Queue("work", "msg", time.Minute, func(_ context.Context, _ *slog.Logger, text string) error { texts = append(texts, text); return nil })
	s.Timer("tick", "myTimer", time.Minute, func(context.Context, *slog.Logger) error { return nil })
	server := httptest.NewServer(s)
	defer server.Close()
	for _, tc := range []struct{ file, body string }{{"0-ready.http", "ready\n"}, {"1-timer.http", "{}"}, {"2-queue.http", "{}"}} {
		request, err := os.ReadFile("testdata/" + tc.file)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || string(body) != tc.body || resp.ContentLength != int64(len(tc.body)) {
			t.Errorf("%s: %d %q, length %d, %v; want 200 %q", tc.file, resp.StatusCode, body, resp.ContentLength, err, tc.body)
		}
	}
	if len(texts) != 1 || texts[0] != "hello" {
		t.Errorf("the function got the texts %q, want hello", texts)
	}
}

// TestConcurrentInvocations checks that a server serves many invocations at a time, each with
// its own body and log.
func TestConcurrentInvocations(t *testing.T) {
	t.Parallel()
	s := New(Options{Stdout: io.Discard})
	s.Queue("score", "message", time.Minute, func(_ context.Context, log *slog.Logger, text string) error {
		log.Info(text)
		return nil
	})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			text := strings.Repeat(fmt.Sprint(i), 100)
			_, rep := serve(t, s, invocation("score", text))
			if len(rep.Logs) != 1 || !strings.Contains(rep.Logs[0], `"`+text+`"`) {
				t.Errorf("invocation %d: the reply has the logs %q, want its own text alone", i, rep.Logs)
			}
		})
	}
	wg.Wait()
}

// TestBodyOfLateFunction checks that the body of a function that outlived its deadline is
// not used again, since the function may still read it.
func TestBodyOfLateFunction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Stdout: io.Discard})
		s.Queue("late", "message", time.Minute, func(context.Context, *slog.Logger, string) error {
			time.Sleep(time.Hour)
			return nil
		})
		serve(t, s, invocation("late", "x"))
		if body := s.bodies.Get().(*bytes.Buffer); body.Cap() != 0 {
			t.Error("the body of a function that still runs is given out again")
		}
		time.Sleep(time.Hour)
	})
}

// TestRouteDeadline checks that a request ends before Azure's load balancer gives up on it
// after 230 s, with time left to answer.
func TestRouteDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Stdout: io.Discard})
		begin := time.Now()
		Route(s, http.MethodGet, "/api/runs", http.StatusOK, "does something", func(ctx context.Context, _ struct{}) (struct{}, error) {
			<-ctx.Done()
			return struct{}{}, ctx.Err()
		})
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/runs", nil))
		if took := time.Since(begin); took != 200*time.Second {
			t.Errorf("a request that waits for its end took %v, want 200 s", took)
		}
	})
}
