package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// call is a request, with all that is needed to send it again.
type call struct {
	method, url string
	scope       string // of the token; empty for none
	header      map[string]string
	body        []byte
	accept      []int // statuses that are answers; others are tried again or errors
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

const (
	// AttemptTimeout is what [Releaser.HTTP] should give one request, the
	// package's upload included.
	AttemptTimeout = 5 * time.Minute
	// patience is how long a step waits in all, for answers and between them.
	// Roles take up to ten minutes to take effect.
	patience  = 12 * time.Minute
	firstWait = time.Second
	maxWait   = 30 * time.Second
	pollWait  = 5 * time.Second
	maxReply  = 256 << 20 // a package
)

// send sends c until an answer has one of the statuses that c accepts. It gives up on a
// status that will not change, and after patience.
func (r *Releaser) send(ctx context.Context, c call) (reply, error) {
	var waited time.Duration
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		begun := time.Now()
		got, err := r.attempt(ctx, c)
		if err == nil && slices.Contains(c.accept, got.status) {
			return got, nil
		}
		if err == nil {
			err = fmt.Errorf("%s %s: status %d: %s", c.method, c.url, got.status, excerpt(got.body))
			if !passing(got.status) {
				return got, err
			}
		}
		if ctx.Err() != nil || errors.Is(err, errToken) {
			return got, err
		}
		pause := max(wait, retryAfter(got.header))
		if waited == 0 {
			r.say("not yet (%v); it is tried again for up to %v", err, patience)
		}
		if waited += time.Since(begun) + pause; waited > patience {
			return got, fmt.Errorf("%w; gave up after %v", err, patience)
		}
		if err := r.Wait(ctx, pause); err != nil {
			return got, err
		}
	}
}

// passing reports whether the same request may get another status later: 401 and 403
// until a role has taken effect, 409 during another operation, 429 and 5xx.
func passing(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 86400)) * time.Second
}

var errToken = errors.New("no token")

func (r *Releaser) attempt(ctx context.Context, c call) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	if c.scope != "" {
		token, err := r.Tokens(ctx, c.scope)
		if err != nil {
			return reply{}, fmt.Errorf("%w: %w", errToken, err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := r.HTTP.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	return reply{resp.StatusCode, resp.Header, body}, err
}

func excerpt(body []byte) string {
	return fmt.Sprintf("%.600s", bytes.TrimSpace(body))
}

// The API versions are those of infra.
const (
	webVersion  = "2025-03-01"
	sqlVersion  = "2025-01-01"
	blobVersion = "2023-11-03"

	armScope  = "https://management.azure.com/.default"
	blobScope = "https://storage.azure.com/.default"
)

// arm sends a request to Resource Manager. The path is below the resource group.
func (r *Releaser) arm(ctx context.Context, method, path, version string, in any, accept ...int) (reply, error) {
	c := call{method: method, scope: armScope, accept: accept,
		url: r.ARM + "/subscriptions/" + r.Subscription + "/resourceGroups/" + r.Group + "/providers/" + path + "api-version=" + version}
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return reply{}, err
		}
		c.body, c.header = body, map[string]string{"Content-Type": "application/json"}
	}
	return r.send(ctx, c)
}
