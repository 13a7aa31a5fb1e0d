package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// env returns a getenv of these names and values.
func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

// TestFromEnv checks which signals variables turn on, and the errors for wrong ones.
func TestFromEnv(t *testing.T) {
	t.Parallel()
	const all, traces = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for _, c := range []struct {
		env    []string
		want   Settings
		reason string // in the error
	}{
		{nil, Settings{}, ""},
		{[]string{all, "http://localhost:4318"}, Settings{true, true}, ""},
		{[]string{all, "https://collector.example.com/otlp", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, Settings{true, true}, ""},
		{[]string{traces, "http://localhost:4318/v1/traces"}, Settings{Traces: true}, ""},
		{[]string{all, "http://localhost:4318", "OTEL_METRICS_EXPORTER", "none"}, Settings{Traces: true}, ""},
		{[]string{all, "http://localhost:4318", "OTEL_SDK_DISABLED", "TRUE"}, Settings{}, ""},
		{[]string{all, "localhost:4318"}, Settings{}, all + ` is "localhost:4318": set it to the address`},
		{[]string{all, "http://"}, Settings{}, "set it to the address"},
		{[]string{all, "http://a b"}, Settings{}, "set it to the address"},
		{[]string{traces, "unix:///tmp/x"}, Settings{}, traces + " is"},
		{[]string{all, "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, Settings{}, `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": set it to http/protobuf`},
		{[]string{all, "http://localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"}, Settings{Metrics: true}, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"},
		{[]string{all, "http://localhost:4318", "OTEL_TRACES_EXPORTER", "zipkin"}, Settings{Metrics: true}, `OTEL_TRACES_EXPORTER is "zipkin"`},
	} {
		got, err := FromEnv(env(c.env...))
		if got != c.want || (err == nil) != (c.reason == "") || err != nil && !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q: got %+v, %v; want %+v and an error with %q", c.env, got, err, c.want, c.reason)
		}
	}
}

// TestOff checks that without a collector no goroutine is started and nothing is allocated.
func TestOff(t *testing.T) {
	before := runtime.NumGoroutine()
	none, err := New(t.Context(), Settings{}, nil, nil)
	if none != nil || err != nil || runtime.NumGoroutine() > before {
		t.Fatalf("got %v, %v and %d more goroutines, want nothing", none, err, runtime.NumGoroutine()-before)
	}
	log := slog.New(slog.DiscardHandler)
	allocated := testing.AllocsPerRun(100, func() {
		ctx, span := none.begin(t.Context(), Invocation{Name: "score", Host: Context{Parent: sampled}})
		ctx, below := Start(ctx, "predict", Internal)
		below.Text("fleetscore.run", "r")
		below.Number("fleetscore.rows", 1000)
		if Logger(ctx, log) != log || Inject(ctx) != (Context{}) || Recording(ctx) {
			t.Error("a span is recorded without a collector")
		}
		below.End(io.EOF)
		span.End(nil)
		none.Metrics().Queues(ctx, 1, 2)
	})
	if allocated != 0 {
		t.Errorf("%v allocations, want none", allocated)
	}
	if err := none.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

const (
	sampled   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-00"
)

// TestInvocation checks which trace an invocation belongs to, and whether it is sampled.
func TestInvocation(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	sent, err := New(t.Context(), Settings{Traces: true}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Shutdown(t.Context())
	for name, c := range map[string]struct {
		host, message string
		of            string // begins the trace id; empty: a new one
		recorded      bool
	}{
		"nothing":                 {"", "", "", true},
		"the host's, sampled":     {sampled, "", "0af7", true},
		"the host's, not sampled": {unsampled, "", "", true},
		"the message's":           {unsampled, sampled, "0af7", true},
		"not sampled by the tick": {sampled, unsampled, "1bf7", false},
		"no trace context":        {"00-xyz", `"'; DROP TABLE`, "", true},
	} {
		ctx, span := sent.begin(t.Context(), Invocation{Name: "score", Host: Context{Parent: c.host}, Message: Context{Parent: c.message}})
		of := trace.SpanContextFromContext(ctx)
		id := of.TraceID().String()
		known := strings.HasPrefix(id, "0af7") || strings.HasPrefix(id, "1bf7")
		if !of.IsValid() || Recording(ctx) && of.IsSampled() != c.recorded || !strings.HasPrefix(id, c.of) || c.of == "" && known {
			t.Errorf("%s: got trace %s, sampled %v; want %s…, sampled %v", name, id, of.IsSampled(), c.of, c.recorded)
		}
		if in := Inject(ctx); !strings.Contains(in.Parent, id) {
			t.Errorf("%s: a message would have the trace %q, want %s", name, in.Parent, id)
		}
		span.End(nil)
	}
}

// TestCollectorHangs checks that a collector which accepts connections and never answers does not
// delay invocations, and that the failure is logged at most once.
func TestCollectorHangs(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+silent.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "50")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	var log bytes.Buffer
	sent, err := New(t.Context(), Settings{Traces: true, Metrics: true}, slog.New(slog.NewJSONHandler(&log, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		ctx, span := sent.begin(t.Context(), Invocation{Name: "score", Trigger: PubSub})
		sent.Metrics().invoked(ctx, Invocation{Function: "score", Trigger: PubSub}, time.Second, nil)
		span.End(errors.New("x"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := sent.Shutdown(ctx); err == nil {
		t.Error("Shutdown succeeded though nothing could be sent")
	}
	if n := strings.Count(log.String(), "\n"); n > 1 {
		t.Errorf("got %d lines in the log, want at most one:\n%s", n, log.String())
	}
}

// TestErrorLog checks that the first error is logged, and then at most one a minute, with the number
// of errors in between.
func TestErrorLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var now atomic.Int64
	e := &errorLog{log: slog.New(slog.NewTextHandler(&out, nil)), now: func() time.Time { return time.Unix(1000+now.Load(), 0) }}
	for range 50 {
		e.Handle(io.EOF)
		now.Add(2)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 || !strings.Contains(out.String(), "unsaid=0") || !strings.Contains(out.String(), "unsaid=29") {
		t.Errorf("got the log\n%s", out.String())
	}
}

// TestPanic checks that the panic of an invocation becomes an error, and that its span is sent as
// failed, with the stack.
func TestPanic(t *testing.T) {
	spans := make(chan *tracepb.Span, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collectorpb.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			t.Error(err)
		}
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					spans <- span
				}
			}
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	sent, err := New(t.Context(), Settings{Traces: true}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = sent.Invoke(t.Context(), Invocation{Function: "score", Name: "score", Trigger: PubSub}, func(context.Context, Span) error {
		panic("six hundred and sixty-six")
	})
	var p *spawn.Panic
	if !errors.As(err, &p) || p.Value != "six hundred and sixty-six" {
		t.Errorf("got %v, want the panic", err)
	}
	if err := sent.Shutdown(t.Context()); err != nil { // it sends what is left
		t.Fatal(err)
	}
	close(spans)
	var all []*tracepb.Span
	for span := range spans {
		all = append(all, span)
	}
	if len(all) != 1 || all[0].Name != "score" || all[0].Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || !strings.Contains(all[0].Status.Message, "sixty-six") {
		t.Fatalf("got spans %v, want one that failed", all)
	}
	if text := all[0].Events[0].String(); !strings.Contains(text, "exception.stacktrace") || !strings.Contains(text, "TestPanic") {
		t.Errorf("got event %s, want the stack of TestPanic", text)
	}
}
