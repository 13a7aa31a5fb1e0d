package devhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// errTimeout is the error of an invocation that takes longer than functionTimeout.
var errTimeout = errors.New("timeout value was exceeded")

// invoker runs functions in the handler.
type invoker struct {
	ctx     context.Context // ends when the handler is killed
	worker  *worker
	log     *logger
	timeout time.Duration // functionTimeout; 0 is unlimited

	inFlight atomic.Int64
}

// execute runs c. If it fails, execute repeats it by the function's retry policy. It returns the
// error of the last attempt. It makes no further attempt when ctx has ended.
func (v *invoker) execute(ctx context.Context, c *call) error {
	id := uuid.NewString()
	policy := c.fn.retry
	if policy == nil {
		return v.attempt(c, id, nil)
	}
	pause := policy.pauses()
	rc := &retryContext{max: policy.attempts}
	for {
		err := v.attempt(c, id, rc)
		if err == nil {
			return nil
		}
		if policy.attempts >= 0 && rc.count >= policy.attempts {
			v.log.log(slog.LevelError, "Function."+c.fn.name, fmt.Sprintf("Function execution failed after '%d' retries.", rc.count))
			return err
		}
		rc.count++
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.ctx.Done():
			return v.ctx.Err()
		case <-time.After(pause()):
		}
	}
}

// attempt sends c to the handler once, and logs what the host logs about an invocation.
func (v *invoker) attempt(c *call, id string, rc *retryContext) error {
	category := "Function." + c.fn.name
	start := time.Now()
	v.inFlight.Add(1)
	defer v.inFlight.Add(-1)
	v.log.log(slog.LevelInfo, category, fmt.Sprintf("Executing 'Functions.%s' (Reason='%s', Id=%s)", c.fn.name, c.reason, id), "invocation", id)
	if c.detail != "" {
		v.log.log(slog.LevelInfo, category, "Trigger Details: "+c.detail, "invocation", id)
	}
	r, err := v.limited(c, id, rc)
	if err == nil && r != nil {
		for _, line := range r.Logs {
			text := "[null]"
			if line != nil {
				text = *line
			}
			v.log.log(slog.LevelInfo, category+".User", text, "invocation", id)
		}
	}
	took := time.Since(start).Milliseconds()
	if err != nil {
		v.log.log(slog.LevelError, category, fmt.Sprintf("Executed 'Functions.%s' (Failed, Id=%s, Duration=%dms): %v", c.fn.name, id, took, err), "invocation", id)
		return err
	}
	v.log.log(slog.LevelInfo, category, fmt.Sprintf("Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%dms)", c.fn.name, id, took), "invocation", id)
	return nil
}

// limited calls send, and returns errTimeout if that takes longer than
// functionTimeout. The request is not cancelled: it ends with the handler.
func (v *invoker) limited(c *call, id string, rc *retryContext) (*reply, error) {
	if v.timeout == 0 {
		return v.send(v.ctx, c, id, rc)
	}
	var r *reply
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err = v.send(v.ctx, c, id, rc)
	}()
	limit := time.NewTimer(v.timeout)
	defer limit.Stop()
	select {
	case <-done:
		return r, err
	case <-limit.C:
	}
	p, _ := v.worker.get()
	v.log.mistake("Function."+c.fn.name,
		fmt.Sprintf("Timeout value of %s exceeded by function 'Functions.%s' (Id: '%s'). Initiating cancellation.", formatTimeSpan(v.timeout), c.fn.name, id),
		"end every invocation before functionTimeout of host.json: when it is over, the host kills the handler with all other invocations", "invocation", id)
	v.worker.timedOut(v.ctx, p.id, id, done)
	return nil, fmt.Errorf("%w: %s", errTimeout, formatTimeSpan(v.timeout))
}

// send waits until the handler is ready, sends c, and reads the reply.
func (v *invoker) send(ctx context.Context, c *call, id string, rc *retryContext) (*reply, error) {
	p, err := v.worker.await(ctx)
	if err != nil {
		return nil, err
	}
	if c.http != nil {
		return nil, v.sendForwarded(ctx, c, id)
	}
	body, err := c.envelope(time.Now(), rc)
	if err != nil {
		return nil, err
	}
	req := &request{method: "POST", target: "/" + url.PathEscape(c.fn.name), chunked: true, body: body, header: []field{
		{"Host", v.worker.wire.addr},
		{"X-Azure-Functions-HostVersion", hostVersion},
		{"X-Azure-Functions-InvocationId", id},
		{"User-Agent", "Azure-Functions-Host/" + hostVersion},
		{"Transfer-Encoding", "chunked"},
		{"Content-Type", "application/json; charset=utf-8"},
	}}
	resp, err := v.worker.wire.do(ctx, req)
	if err != nil {
		v.brokenOff(p, c, id, err)
		return nil, err
	}
	r, err := readReply(resp)
	if err != nil && resp.status/100 == 2 {
		v.log.mistake("Function."+c.fn.name, err.Error(), replyRemedy, "invocation", id)
	}
	return r, err
}

// brokenOff logs that the connection was closed before the reply was complete. It logs nothing if
// the handler has ended, since the worker logs that.
func (v *invoker) brokenOff(p *process, c *call, id string, err error) {
	if !errors.Is(err, errEndedEarly) {
		return
	}
	select {
	case <-p.ended:
	case <-v.ctx.Done():
	case <-time.After(exitPatience):
		v.log.mistake("Function."+c.fn.name, "the handler broke off its reply: "+err.Error(),
			"write as many bytes as Content-Length says before you close the connection", "invocation", id)
	}
}

// exitPatience is the time for which brokenOff waits for the end of the handler. After that
// it assumes that the handler is running.
const exitPatience = 200 * time.Millisecond
