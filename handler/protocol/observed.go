package protocol

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// observed is an invocation as telemetry sees it.
type observed struct {
	telemetry *telemetry.Telemetry
	mounted
	request *http.Request
	log     atomic.Pointer[slog.Logger] // from run on, with the ids of the span
}

// run calls f in a span. inv is nil where the invocation is too long to be decoded.
func (o *observed) run(ctx context.Context, inv *Invocation, f func(context.Context, *slog.Logger) error) error {
	if o.telemetry == nil {
		return f(ctx, o.log.Load())
	}
	began, trigger := time.Now(), telemetry.PubSub
	if o.trigger == timerTrigger {
		trigger = telemetry.Timer
	}
	about := telemetry.Invocation{Name: o.function, Trigger: trigger, ID: invocationID(o.request), Host: traceContext(o.request)}
	if inv != nil && o.trigger == queueTrigger {
		about.Message = inv.traceContext(o.binding)
	}
	ctx, span := o.telemetry.Invocation(ctx, about)
	o.log.Store(telemetry.Logger(ctx, o.log.Load()))
	err := f(ctx, o.log.Load())
	span.End(err)
	o.telemetry.Metrics().Invoked(ctx, o.function, trigger, time.Since(began), err)
	return err
}

// traceContext returns the context that the host or a client sent.
func traceContext(r *http.Request) telemetry.Context {
	return telemetry.Context{Parent: r.Header.Get("Traceparent"), State: r.Header.Get("Tracestate")}
}

// traceContext returns the context in a queue message, if that is a JSON object that
// has one.
func (inv *Invocation) traceContext(binding string) telemetry.Context {
	var m struct{ Traceparent, Tracestate string }
	if text, err := inv.Text(binding); err != nil || json.Unmarshal([]byte(text), &m) != nil {
		return telemetry.Context{}
	}
	return telemetry.Context{Parent: m.Traceparent, State: m.Tracestate}
}

// observeHTTP returns h, which serves a route, in a span.
func (s *Server) observeHTTP(method, path string, h echo.HandlerFunc) echo.HandlerFunc {
	if s.opt.Telemetry == nil {
		return h
	}
	return func(c echo.Context) error {
		began, r := time.Now(), c.Request()
		ctx, span := s.opt.Telemetry.Invocation(r.Context(), telemetry.Invocation{
			Name: method + " " + path, Trigger: telemetry.HTTP, ID: invocationID(r), Host: traceContext(r)})
		c.SetRequest(r.WithContext(ctx))
		err := h(c)
		status, failure := c.Response().Status, err
		if err != nil {
			if status, _ = verdict(err, r); status < http.StatusInternalServerError {
				failure = nil // the client's
			}
		}
		span.Text("http.request.method", r.Method)
		span.Text("http.route", path)
		span.Number("http.response.status_code", status)
		span.End(failure)
		s.opt.Telemetry.Metrics().Invoked(ctx, "runs", telemetry.HTTP, time.Since(began), failure)
		return err
	}
}
