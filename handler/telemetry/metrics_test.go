package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// collected returns what a reader collects, a line for each metric and set of attributes. A
// histogram has its count and sum.
func collected(t *testing.T, reader sdkmetric.Reader) (lines []string) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			add := func(attributes, value any) {
				lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %v %v", m.Name, m.Unit, attributes, value)))
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes.Encoded(attribute.DefaultEncoder()), p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes.Encoded(attribute.DefaultEncoder()), p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes.Encoded(attribute.DefaultEncoder()), fmt.Sprint(p.Count, " of ", p.Sum))
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// TestMetrics checks what each method counts.
func TestMetrics(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer provider.Shutdown(t.Context())
	m, err := newMetrics(provider.Meter(scope))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	m.Ingested(ctx, fleet.Ingested{Events: 2, Stored: 3, Duplicate: 4, Conflict: 5, Missing: 6, Rejected: 7, Lag: 1500 * time.Millisecond,
		Refusals: []fleet.Refusal{{Reason: "bad", Count: 12}}})
	m.Ingested(ctx, fleet.Ingested{Events: 1, Stored: 1}) // without a lag
	m.JobClosed(ctx, fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: 2, Duration: 2 * time.Second})
	m.RunEnded(ctx, fleet.Run{Kind: fleet.Scheduled, Reason: fleet.BySchedule}, fleet.RunFailed, true, 3*time.Second, 4*time.Second)
	m.Queues(ctx, 8, 9)
	m.invoked(ctx, Invocation{Function: "score", Trigger: PubSub}, 5*time.Second, io.EOF)
	m.invoked(ctx, Invocation{Function: "score", Trigger: PubSub}, time.Second, nil)
	const run = "kind=scheduled,over_budget=true,reason=schedule,state=failed"
	want := []string{
		"faas.invoke_duration s faas.invoked_name=score,faas.trigger=pubsub,failed=false 1 of 1",
		"faas.invoke_duration s faas.invoked_name=score,faas.trigger=pubsub,failed=true 1 of 5",
		"fleetscore.anomalies {row}  2",
		"fleetscore.ingest.events {event}  3",
		"fleetscore.ingest.lag s  1 of 1.5",
		"fleetscore.ingest.readings {reading} outcome=conflict 5",
		"fleetscore.ingest.readings {reading} outcome=duplicate 4",
		"fleetscore.ingest.readings {reading} outcome=missing 6",
		"fleetscore.ingest.readings {reading} outcome=rejected 7",
		"fleetscore.ingest.readings {reading} outcome=stored 4",
		"fleetscore.ingest.refused {reading} reason=bad 12",
		"fleetscore.job.duration s outcome=scored 1 of 2",
		"fleetscore.jobs {job} outcome=scored 1",
		"fleetscore.queue.messages {message}  8",
		"fleetscore.queue.poisoned {message}  9",
		"fleetscore.rows {row}  10",
		"fleetscore.run.duration s " + run + " 1 of 3",
		"fleetscore.run.lag s " + run + " 1 of 4",
		"fleetscore.runs {run} " + run + " 1",
	}
	if got := collected(t, reader); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSpans checks the links, attributes and kinds of recorded spans, and that log lines have their
// ids.
func TestSpans(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	ended := 0
	end := func(ctx context.Context) error { ended++; return provider.Shutdown(ctx) }
	sent := &Telemetry{tracer: provider.Tracer(scope), ends: []func(context.Context) error{end}}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, c := range []struct {
		name          string
		host, message string
		links         int
	}{
		{"of the host", sampled, "", 0}, {"of the host, not sampled", unsampled, "", 1}, {"of the message", sampled, unsampled, 1}, {"of nothing", "", "", 0},
	} {
		before := len(recorder.Ended())
		err := sent.Invoke(t.Context(), Invocation{Name: "score", Trigger: Timer, Host: Context{Parent: c.host}, Message: Context{Parent: c.message}}, func(ctx context.Context, span Span) error {
			span.Text("run", "r")
			span.Number("rows", 7)
			out.Reset()
			if Logger(ctx, log).Info("x"); Recording(ctx) != strings.Contains(out.String(), "trace_id=") {
				t.Errorf("%s: recorded %v, and the log has %s", c.name, Recording(ctx), &out)
			}
			_, below := Start(ctx, "predict", Internal)
			below.End(nil)
			return io.EOF
		})
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v, want io.EOF", c.name, err)
		}
		spans := recorder.Ended()[before:]
		if c.message == unsampled { // a trace that is not sampled records nothing
			if len(spans) != 0 {
				t.Errorf("%s: got %d spans, want none", c.name, len(spans))
			}
			continue
		}
		if len(spans) != 2 || len(spans[1].Links()) != c.links || spans[1].Status().Description != "EOF" || spans[0].Status().Description != "" || spans[0].Parent().SpanID() != spans[1].SpanContext().SpanID() {
			t.Errorf("%s: got spans %v, want predict below a failed score with %d links", c.name, spans, c.links)
			continue
		}
		if text := fmt.Sprint(spans[1].Attributes()); !strings.Contains(text, "run") || !strings.Contains(text, "rows") {
			t.Errorf("%s: got attributes %s", c.name, text)
		}
	}
	for trigger, want := range map[Trigger]trace.SpanKind{Timer: trace.SpanKindServer, HTTP: trace.SpanKindServer, PubSub: trace.SpanKindConsumer} {
		_, span := sent.begin(t.Context(), Invocation{Name: "f", Trigger: trigger})
		span.End(nil)
		if got := recorder.Ended()[len(recorder.Ended())-1].SpanKind(); got != want {
			t.Errorf("triggered by %s: got a span of kind %v, want %v", trigger, got, want)
		}
	}
	if err := sent.Shutdown(t.Context()); err != nil || ended != 1 {
		t.Errorf("Shutdown: %v, after %d ends", err, ended)
	}
}
