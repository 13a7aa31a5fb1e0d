package devhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// retryPolicy is the retry section of function.json or host.json.
type retryPolicy struct {
	attempts    int  // after the first; -1 for ever
	exponential bool // from min to max; else min every time
	min, max    time.Duration
}

func parseRetry(raw json.RawMessage) (*retryPolicy, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var f struct {
		Strategy                                        string
		MaxRetryCount                                   *int
		DelayInterval, MinimumInterval, MaximumInterval string
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("retry: %w", err)
	}
	if f.MaxRetryCount == nil || *f.MaxRetryCount < -1 {
		return nil, fmt.Errorf("retry: maxRetryCount must be -1, for ever, or more")
	}
	p := &retryPolicy{attempts: *f.MaxRetryCount}
	var err error
	switch strings.ToLower(f.Strategy) {
	case "fixeddelay":
		p.min, err = span(f.DelayInterval, "retry.delayInterval", 0, 0)
		if err == nil && f.DelayInterval == "" {
			err = fmt.Errorf("retry.delayInterval is missing")
		}
	case "exponentialbackoff":
		p.exponential = true
		if p.min, err = span(f.MinimumInterval, "retry.minimumInterval", 0, 0); err == nil {
			p.max, err = span(f.MaximumInterval, "retry.maximumInterval", 0, 0)
		}
		if err == nil && (f.MinimumInterval == "" || f.MaximumInterval == "" || p.min > p.max) {
			err = fmt.Errorf("retry needs minimumInterval and maximumInterval, the first no longer than the second")
		}
	default:
		err = fmt.Errorf("retry.strategy is %q; use fixedDelay or exponentialBackoff", f.Strategy)
	}
	return p, err
}

// retryContext is what the handler is told of a retry policy's attempts.
type retryContext struct {
	count, max int
	invocation string
	function   string
	last       error // of the previous attempt
}

// encode writes real numbers, and the exception as Json.NET serializes it,
// without .NET's stack traces.
func (r *retryContext) encode() []byte {
	exception := []byte("null")
	if r.last != nil {
		exception = fmt.Appendf(nil, `{"InstanceId":"%s","MethodName":%s,"Handled":false,`+
			`"ClassName":"Microsoft.Azure.WebJobs.Host.FunctionInvocationException","Message":%s,"Data":null,`+
			`"InnerException":%s,"HelpURL":null,"StackTraceString":null,"RemoteStackTraceString":null,`+
			`"RemoteStackIndex":0,"ExceptionMethod":null,"HResult":-2146233088,"Source":"System.Private.CoreLib","WatsonBuckets":null}`,
			r.invocation, once("Host.Functions."+r.function), once("Exception while executing function: Functions."+r.function), inner(r.last))
	}
	return fmt.Appendf(nil, `{"RetryCount":%d,"MaxRetryCount":%d,"Exception":%s,"Instance":null,"State":{}}`, r.count, r.max, exception)
}

func inner(err error) []byte {
	status := []byte("null")
	var s *statusError
	if errors.As(err, &s) {
		status = fmt.Appendf(nil, "%d", s.status)
		if s.reason == "" {
			s.reason = http.StatusText(s.status)
		}
	}
	return fmt.Appendf(nil, `{"HttpRequestError":0,"StatusCode":%s,"Message":%s,"Data":{},"InnerException":null,`+
		`"HelpLink":null,"Source":"System.Net.Http","HResult":-2146233088,"StackTrace":null}`, status, once(err.Error()))
}

// backoff is the RandomizedExponentialBackoffStrategy of the WebJobs SDK: the
// first pause is the minimum, and each next one adds a step that doubles, with
// a jitter of a fifth; none is longer than max, and once that is reached it
// stays.
type backoff struct {
	min, max time.Duration
	exponent int
	reached  bool // max
}

func (b *backoff) next() time.Duration {
	if b.reached {
		return b.max
	}
	pause := b.min
	if b.exponent > 0 {
		step := (0.8 + 0.4*rand.Float64()) * math.Pow(2, float64(b.exponent-1)) * float64(b.min)
		pause += time.Duration(step)
	}
	if b.reached = pause >= b.max; b.reached {
		return b.max
	}
	b.exponent++
	return pause
}

// reset begins anew with the minimum.
func (b *backoff) reset() { b.exponent, b.reached = 0, false }

// pauses returns the pauses between a policy's attempts.
func (p *retryPolicy) pauses() func() time.Duration {
	if p.exponential {
		return (&backoff{min: p.min, max: p.max}).next
	}
	return func() time.Duration { return p.min }
}
