package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry sends traces and metrics of a process to a collector. A nil Telemetry sends nothing.
type Telemetry struct {
	tracer  trace.Tracer                  // nil if no traces are sent
	metrics *Metrics                      // nil if no metrics are sent
	ends    []func(context.Context) error // called by Shutdown
}

// scope is the name of the instrumentation that makes the spans and metrics.
const scope = "github.com/fleetscore/fleetscore"

// New begins to send what the settings say. It returns nil if they say nothing. Process has the
// attributes of the process; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override them. Failures
// to send are logged, at most once a minute.
func New(ctx context.Context, s Settings, log *slog.Logger, process map[string]string) (*Telemetry, error) {
	if !s.On() {
		return nil, nil
	}
	otel.SetErrorHandler(&errorLog{log: log, now: time.Now})
	var attributes []attribute.KeyValue
	for name, value := range process {
		attributes = append(attributes, attribute.String(name, value))
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(attributes...), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	t := new(Telemetry)
	if s.Traces {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("send traces: %w", err)
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
		t.tracer, t.ends = provider.Tracer(scope), append(t.ends, provider.Shutdown)
	}
	if s.Metrics {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("send metrics: %w", err), t.Shutdown(ctx))
		}
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)), sdkmetric.WithResource(about))
		t.ends = append(t.ends, provider.Shutdown)
		if t.metrics, err = newMetrics(provider.Meter(scope)); err != nil {
			return nil, errors.Join(fmt.Errorf("send metrics: %w", err), t.Shutdown(ctx))
		}
	}
	return t, nil
}

// Metrics returns the metrics, nil if none are sent.
func (t *Telemetry) Metrics() *Metrics {
	if t == nil {
		return nil
	}
	return t.metrics
}

// Shutdown sends the rest, until ctx ends.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, end := range t.ends {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}

// errorLog logs failures to send: the first at once, then at most one a minute. Otherwise a
// collector that does not answer would fill the log.
type errorLog struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	last   time.Time
	unsaid int // how many errors were not logged since the last one
}

const errorEvery = time.Minute

// Handle implements [otel.ErrorHandler].
func (e *errorLog) Handle(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	if !e.last.IsZero() && now.Sub(e.last) < errorEvery {
		e.unsaid++
		return
	}
	e.log.Warn("telemetry is not sent", "error", err.Error(), "unsaid", e.unsaid)
	e.last, e.unsaid = now, 0
}
