package protocol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// The types of trigger, as function.json names them.
const (
	eventHubTrigger = "eventHubTrigger"
	timerTrigger    = "timerTrigger"
	queueTrigger    = "queueTrigger"
	httpTrigger     = "httpTrigger"
)

// Queue mounts a function with a queue trigger; f gets the message's text.
//
// Here and for the other triggers, f's context ends after deadline. If f still
// runs an eighth of that later, the invocation is answered as failed.
func (s *Server) Queue(function, binding string, deadline time.Duration, f func(ctx context.Context, log *slog.Logger, text string) error) {
	s.mount(mounted{function, queueTrigger, binding}, deadline, func(ctx context.Context, log *slog.Logger, inv *Invocation) error {
		text, err := inv.Text(binding)
		if err != nil {
			return err
		}
		return f(ctx, log, text)
	})
}

// Timer mounts a function with a timer trigger.
func (s *Server) Timer(function, binding string, deadline time.Duration, f func(ctx context.Context, log *slog.Logger) error) {
	s.mount(mounted{function, timerTrigger, binding}, deadline, func(ctx context.Context, log *slog.Logger, inv *Invocation) error {
		if _, err := inv.Timer(binding); err != nil {
			return err
		}
		return f(ctx, log)
	})
}

// EventHub mounts a function with an Event Hubs trigger. A batch whose JSON is
// longer than [Options].MaxBody is given to f in parts, one after the other; the
// first error ends it.
func (s *Server) EventHub(function, binding string, deadline time.Duration, f func(ctx context.Context, log *slog.Logger, ev Events) error) {
	m := mounted{function, eventHubTrigger, binding}
	s.serve(m, deadline, func(ctx context.Context, log *slog.Logger, inv *Invocation) error {
		ev, err := inv.Events(binding)
		if err != nil {
			return err
		}
		return f(ctx, log, ev)
	}, func(ctx context.Context, log *slog.Logger, sp *spool) error {
		return sp.inParts(log, function, binding, func(ev Events) error { return f(ctx, log, ev) })
	})
}

// invocable is a mounted function, ready to be invoked.
type invocable func(ctx context.Context, log *slog.Logger, inv *Invocation) error

// spoolable is a mounted function, ready to be invoked with a long body.
type spoolable func(ctx context.Context, log *slog.Logger, sp *spool) error

// mount mounts a function that takes no long bodies.
func (s *Server) mount(m mounted, deadline time.Duration, f invocable) { s.serve(m, deadline, f, nil) }

func (s *Server) serve(m mounted, deadline time.Duration, f invocable, long spoolable) {
	s.mounted = append(s.mounted, m)
	s.echo.POST("/"+m.function, func(c echo.Context) error {
		s.invoke(c.Response(), c.Request(), m, deadline, f, long)
		return nil
	})
}

// invoke runs f for the request r, or long if its body is long. Then it answers the host.
func (s *Server) invoke(w http.ResponseWriter, r *http.Request, m mounted, deadline time.Duration, f invocable, long spoolable) {
	j := &journal{out: s.opt.Stdout}
	o := &observed{telemetry: s.opt.Telemetry, mounted: m, request: r}
	o.log.Store(j.logger(s.opt.Level, m.function, invocationID(r)))
	status, err := s.execute(r, o, deadline, f, long)
	report(o.log.Load(), err, status)
	lines := j.close(status == http.StatusOK)
	replyJSON(w, status, resultJSON(lines, err))
}

// execute decodes the invocation in r and calls f with it, or long if its body is long.
// It returns the status of the reply, by which the host delivers the invocation again
// or not.
func (s *Server) execute(r *http.Request, o *observed, deadline time.Duration, f invocable, long spoolable) (int, error) {
	body := s.bodies.Get().(*bytes.Buffer)
	n, err := body.ReadFrom(io.LimitReader(r.Body, s.opt.MaxBody+1))
	switch {
	case err != nil:
		s.release(body)
		return unread(err)
	case n > s.opt.MaxBody && long == nil:
		s.release(body)
		return http.StatusRequestEntityTooLarge, fmt.Errorf("read invocation: it has more than %d bytes", s.opt.MaxBody)
	case n > s.opt.MaxBody:
		sp, err := newSpool(body.Bytes(), r.Body, s.opt.MaxSpool)
		if err != nil {
			return unread(err)
		}
		_, err = run(r.Context(), deadline, func(ctx context.Context) error {
			defer sp.Close()
			return o.run(ctx, nil, func(ctx context.Context, log *slog.Logger) error { return long(ctx, log, sp) })
		})
		return triggerStatus(err), err
	}
	returned, err := run(r.Context(), deadline, func(ctx context.Context) error {
		inv, err := Decode(o.function, invocationID(r), body.Bytes())
		if err != nil {
			return err
		}
		return o.run(ctx, inv, func(ctx context.Context, log *slog.Logger) error { return f(ctx, log, inv) })
	})
	if returned { // otherwise f may still read it
		s.release(body)
	}
	return triggerStatus(err), err
}

// unread is the outcome of an invocation that could not be read.
func unread(err error) (int, error) {
	return http.StatusBadRequest, fmt.Errorf("read invocation: %w", err)
}

// triggerStatus returns the status of the reply for an error: below 300 if the host is
// not to deliver the invocation again.
func triggerStatus(err error) int {
	if err == nil {
		return http.StatusOK
	}
	if failure := fleet.FailureOf(err); failure.Retry {
		return failure.Status
	}
	return http.StatusOK
}

// report logs the error of an invocation.
func report(log *slog.Logger, err error, status int) {
	if err == nil {
		return
	}
	withStack(log, err).Error("invocation failed", "err", err, "retry", status != http.StatusOK)
}

// resultJSON returns the body of a reply. For a success it is JSON that the host reads; for
// a failure it is text that people read. It is never empty: with an empty reply the host
// would wait until functionTimeout.
func resultJSON(lines []string, err error) []byte {
	switch {
	case lines != nil:
		b, _ := json.Marshal(struct{ Logs []string }{lines}) // strings can't fail
		return b
	case err != nil:
		return errorJSON(err.Error())
	}
	return []byte("{}")
}

func errorJSON(text string) []byte {
	b, _ := json.Marshal(struct { // a string can't fail
		Error string `json:"error"`
	}{text})
	return b
}

// withStack adds the stack to log if err is a panic.
func withStack(log *slog.Logger, err error) *slog.Logger {
	var p *spawn.Panic
	if errors.As(err, &p) {
		log = log.With("stack", string(p.Stack))
	}
	return log
}

// run calls f with a context that ends after deadline, and returns its error. If f still
// runs an eighth of deadline later, run returns without it, and returned is false: at
// the host's own limit all other invocations would end too.
func run(ctx context.Context, deadline time.Duration, f func(context.Context) error) (returned bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	done := spawn.Go(func() error { return f(ctx) })
	late := time.NewTimer(deadline + deadline/8)
	defer late.Stop()
	select {
	case err := <-done:
		return true, err
	case <-late.C:
		return false, fmt.Errorf("still running %v after its deadline of %v", deadline/8, deadline)
	}
}

// release gives b back, unless it grew beyond what is usual. Nothing may
// refer to its bytes any more: functions only get copies.
func (s *Server) release(b *bytes.Buffer) {
	if b.Cap() <= 4<<20 {
		b.Reset()
		s.bodies.Put(b)
	}
}
