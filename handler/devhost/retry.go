package devhost

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// retryPolicy is "retry" in function.json.
type retryPolicy struct {
	attempts    int           // after the first attempt; -1: without limit
	exponential bool          // the pauses grow from min to max; otherwise each is min
	min, max    time.Duration // pauses between attempts
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

// retryContext is what the handler gets about attempts. (The real host also sends the exception
// of the last one.)
type retryContext struct{ count, max int }

// backoff is the RandomizedExponentialBackoffStrategy of the WebJobs SDK. The first pause is min.
// Pause n after it is min + min·2^(n-1), where the second term is changed at random by up to a
// fifth. A pause is at most max. After the first pause of max, all are max.
type backoff struct {
	min, max time.Duration
	exponent int
	reached  bool // a pause was max
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

// reset makes the next pause min.
func (b *backoff) reset() { b.exponent, b.reached = 0, false }

// pauses returns a function that returns the pauses between attempts, one after the other.
func (p *retryPolicy) pauses() func() time.Duration {
	if p.exponential {
		return (&backoff{min: p.min, max: p.max}).next
	}
	return func() time.Duration { return p.min }
}
