package protocol

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// observed is the telemetry of an invocation: its span and its logger.
type observed struct {
	telemetry *telemetry.Telemetry
	mounted
	request *http.Request
	log     atomic.Pointer[slog.Logger] // from run on, with the ids of the span
}

// run calls f in a span. inv is nil if the invocation is too long to be decoded.
func (o *observed) run(ctx context.Context, inv *Invocation, f func(context.Context, *slog.Logger) error) error {
	if o.telemetry == nil {
		return f(ctx, o.log.Load())
	}
	about := telemetry.Invocation{Function: o.function, Name: o.function, Trigger: telemetry.PubSub, ID: invocationID(o.request), Host: traceContext(o.request)}
	if o.trigger == timerTrigger {
		about.Trigger = telemetry.Timer
	}
	if inv != nil && o.trigger == queueTrigger {
		about.Message = inv.traceContext(o.binding)
	}
	return o.telemetry.Invoke(ctx, about, func(ctx context.Context, _ telemetry.Span) error {
		o.log.Store(telemetry.Logger(ctx, o.log.Load()))
		return f(ctx, o.log.Load())
	})
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
		r := c.Request()
		about := telemetry.Invocation{Function: "runs", Name: method + " " + path, Trigger: telemetry.HTTP, ID: invocationID(r), Host: traceContext(r)}
		var answer error
		_ = s.opt.Telemetry.Invoke(r.Context(), about, func(ctx context.Context, span telemetry.Span) error {
			c.SetRequest(r.WithContext(ctx))
			answer = h(c)
			status := c.Response().Status
			if answer != nil {
				status, _ = verdict(answer, r)
			}
			span.Text("http.request.method", r.Method)
			span.Text("http.route", path)
			span.Number("http.response.status_code", status)
			if status < http.StatusInternalServerError {
				return nil // an error of the client is not a failure of the function
			}
			return answer
		})
		return answer
	}
}
