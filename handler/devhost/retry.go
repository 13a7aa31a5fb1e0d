package devhost

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
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

// retryContext is the data about a retry policy's attempts that the handler gets. (The real
// host also sends the last attempt's exception.)
type retryContext struct{ count, max int }

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
