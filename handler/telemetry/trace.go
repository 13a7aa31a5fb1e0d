package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Trigger is what has a function run, by the names of faas.trigger.
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/faas/
type Trigger string

// The triggers.
const (
	Timer  Trigger = "timer"
	PubSub Trigger = "pubsub" // a queue, or an event hub
	HTTP   Trigger = "http"
)

// Context is a W3C Trace Context, as headers and messages carry it.
// https://www.w3.org/TR/trace-context/
type Context struct {
	Parent string // traceparent
	State  string // tracestate
}

// Get implements [propagation.TextMapCarrier].
func (c *Context) Get(key string) string {
	switch key {
	case "traceparent":
		return c.Parent
	case "tracestate":
		return c.State
	}
	return ""
}

// Set implements [propagation.TextMapCarrier].
func (c *Context) Set(key, value string) {
	switch key {
	case "traceparent":
		c.Parent = value
	case "tracestate":
		c.State = value
	}
}

// Keys implements [propagation.TextMapCarrier].
func (c *Context) Keys() []string { return []string{"traceparent", "tracestate"} }

// span returns what c says. It is not valid if that is nothing, or no trace context.
func (c Context) span() trace.SpanContext {
	if c.Parent == "" {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), &c))
}

// Invocation is what is known of an invocation as it begins.
type Invocation struct {
	Function string
	Name     string // of the span: the function, or method and route
	ID       string // the host's
	Trigger  Trigger
	Host     Context // from the headers of the host's request
	Message  Context // from the queue message
}

// Invoke calls f, the work of an invocation, in a span, and counts the invocation. Its
// error is f's. If f panics, that is a [*spawn.Panic], and the span has failed with it.
func (t *Telemetry) Invoke(ctx context.Context, inv Invocation, f func(context.Context, Span) error) error {
	began := time.Now()
	ctx, span := t.begin(ctx, inv)
	err := spawn.Catch(func() error { return f(ctx, span) })
	span.End(err)
	t.Metrics().invoked(ctx, inv, time.Since(began), err)
	return err
}

// begin begins the span of an invocation. It goes on with the trace of the message.
// Else it goes on with the host's, if that is sampled: the host sends one that is not
// where it has Application Insights alone, and to follow it would mean to trace nothing.
// Else a trace begins. The host's span is linked if it is not the parent.
func (t *Telemetry) begin(ctx context.Context, inv Invocation) (context.Context, Span) {
	if t == nil || t.tracer == nil {
		return ctx, Span{}
	}
	message, host := inv.Message.span(), inv.Host.span()
	kind := trace.SpanKindServer
	if inv.Trigger == PubSub {
		kind = trace.SpanKindConsumer
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(
		semconv.FaaSTriggerKey.String(string(inv.Trigger)), semconv.FaaSInvocationID(inv.ID))}
	switch {
	case message.IsValid():
		ctx = trace.ContextWithRemoteSpanContext(ctx, message)
	case host.IsSampled():
		ctx = trace.ContextWithRemoteSpanContext(ctx, host)
	}
	if host.IsValid() && trace.SpanContextFromContext(ctx).SpanID() != host.SpanID() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: host}))
	}
	ctx, span := t.tracer.Start(ctx, inv.Name, options...)
	return ctx, Span{span}
}

// Kind is what a span does: it works, asks another process, or sends a message.
type Kind trace.SpanKind

// The kinds.
const (
	Internal = Kind(trace.SpanKindInternal)
	Client   = Kind(trace.SpanKindClient)
	Producer = Kind(trace.SpanKindProducer)
)

// Span is what is recorded of a piece of work. The zero Span records nothing.
type Span struct{ of trace.Span } // nil if nothing is recorded

// Recording reports whether a span is recorded in ctx, so that [Start] would begin one.
// Whoever has to work out what to say of a span asks first.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Start begins a span below the one in ctx, for the same collector. If none is recorded
// there, it returns ctx and the zero Span.
func Start(ctx context.Context, name string, kind Kind) (context.Context, Span) {
	if !Recording(ctx) {
		return ctx, Span{}
	}
	parent := trace.SpanFromContext(ctx)
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(trace.SpanKind(kind)))
	return ctx, Span{span}
}

// Text sets an attribute.
func (s Span) Text(name, value string) {
	if s.of != nil {
		s.of.SetAttributes(attribute.String(name, value))
	}
}

// Number sets an attribute.
func (s Span) Number(name string, value int) {
	if s.of != nil {
		s.of.SetAttributes(attribute.Int(name, value))
	}
}

// End ends the span, as failed if err is not nil. Of a panic it records the stack.
// https://opentelemetry.io/docs/specs/otel/trace/exceptions/
func (s Span) End(err error) {
	if s.of == nil {
		return
	}
	if err != nil {
		s.of.SetStatus(codes.Error, err.Error())
		var p *spawn.Panic
		if errors.As(err, &p) {
			s.of.RecordError(p, trace.WithAttributes(semconv.ExceptionStacktrace(string(p.Stack))))
		}
	}
	s.of.End()
}

// Inject returns the context of the span in ctx, for a message to carry; of none, an empty one.
func Inject(ctx context.Context) Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return Context{}
	}
	c := new(Context)
	propagation.TraceContext{}.Inject(ctx, c)
	return *c
}

// Logger returns log with the ids of the span in ctx, as trace_id and span_id. Where none
// is recorded, it returns log.
func Logger(ctx context.Context, log *slog.Logger) *slog.Logger {
	if Recording(ctx) {
		of := trace.SpanContextFromContext(ctx)
		return log.With("trace_id", of.TraceID().String(), "span_id", of.SpanID().String())
	}
	return log
}
