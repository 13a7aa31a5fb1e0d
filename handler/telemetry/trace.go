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

// Trigger is what starts an invocation, with the values of faas.trigger.
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/faas/
type Trigger string

// The triggers.
const (
	Timer  Trigger = "timer"
	PubSub Trigger = "pubsub" // a queue, or an event hub
	HTTP   Trigger = "http"
)

// Context is a W3C Trace Context in a header or a message.
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

// span returns the span that c names. It is not valid if c is empty or no trace context.
func (c Context) span() trace.SpanContext {
	if c.Parent == "" {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), &c))
}

// Invocation describes an invocation.
type Invocation struct {
	Function string
	Name     string // of the span: the function, or method and route
	ID       string // the invocation id of the host
	Trigger  Trigger
	Host     Context // from the headers of the host's request
	Message  Context // from the queue message
}

// Invoke calls f in a span, and counts the invocation. It returns the error of f. If f panics, the
// error is a [*spawn.Panic].
func (t *Telemetry) Invoke(ctx context.Context, inv Invocation, f func(context.Context, Span) error) error {
	began := time.Now()
	ctx, span := t.begin(ctx, inv)
	err := spawn.Catch(func() error { return f(ctx, span) })
	span.End(err)
	t.Metrics().invoked(ctx, inv, time.Since(began), err)
	return err
}

// begin begins the span of an invocation. Its parent is the span in the queue message. Without one,
// the parent is the host's span, if it is sampled. Otherwise the span begins a new trace: a host
// that has only Application Insights sends spans that are not sampled, whose children would not be
// sent either. If the host's span is not the parent, it is linked.
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

// Kind is the kind of a span: internal work, a request to another process, or the sending of a
// message.
type Kind trace.SpanKind

// The kinds.
const (
	Internal = Kind(trace.SpanKindInternal)
	Client   = Kind(trace.SpanKindClient)
	Producer = Kind(trace.SpanKindProducer)
)

// Span is a span of a trace. The zero Span records nothing.
type Span struct{ of trace.Span } // nil if nothing is recorded

// Recording reports whether ctx has a span that is recorded. Otherwise [Start] begins none, and its
// attributes need not be computed.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Start begins a span whose parent is the one in ctx, for the same collector. If that is not
// recorded, it returns ctx and the zero Span.
func Start(ctx context.Context, name string, kind Kind) (context.Context, Span) {
	if !Recording(ctx) {
		return ctx, Span{}
	}
	parent := trace.SpanFromContext(ctx)
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(trace.SpanKind(kind)))
	return ctx, Span{span}
}

// Text sets an attribute to a string.
func (s Span) Text(name, value string) {
	if s.of != nil {
		s.of.SetAttributes(attribute.String(name, value))
	}
}

// Number sets an attribute to an integer.
func (s Span) Number(name string, value int) {
	if s.of != nil {
		s.of.SetAttributes(attribute.Int(name, value))
	}
}

// End ends the span. If err is not nil, the span has failed. If err is a panic, its stack is
// recorded.
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

// Inject returns the trace context of the span in ctx, to be put into a message. It is empty if
// there is no span.
func Inject(ctx context.Context) Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return Context{}
	}
	c := new(Context)
	propagation.TraceContext{}.Inject(ctx, c)
	return *c
}

// Logger returns log with the ids of the span in ctx as trace_id and span_id. If no span is
// recorded, it returns log.
func Logger(ctx context.Context, log *slog.Logger) *slog.Logger {
	if Recording(ctx) {
		of := trace.SpanContextFromContext(ctx)
		return log.With("trace_id", of.TraceID().String(), "span_id", of.SpanID().String())
	}
	return log
}
