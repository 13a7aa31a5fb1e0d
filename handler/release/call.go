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

// call is a request that can be sent several times.
type call struct {
	method, url string
	scope       string // of the token; empty: without a token
	header      map[string]string
	body        []byte
	accept      []int // the statuses of a success
}

// reply is the answer to a call.
type reply struct {
	status int
	header http.Header
	body   []byte
}

const (
	// AttemptTimeout is the time for one request. It should be the Timeout of
	// [Releaser.HTTP]. The upload of a package needs the most.
	AttemptTimeout = 5 * time.Minute
	// patience is the time for a step, with the waits between requests. It takes up to ten
	// minutes until a role has taken effect.
	patience  = 12 * time.Minute
	firstWait = time.Second      // before the second request; the waits double
	maxWait   = 30 * time.Second // the longest of them
	pollWait  = 5 * time.Second  // between two looks at a state
	maxReply  = 256 << 20        // bytes of an answer, which may be a package
)

// send sends c until the answer has one of the statuses in c.accept. It fails at once on a status
// that will not change, and otherwise after patience.
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

// passing reports whether the same request may get another status later. 401 and 403 may end when a
// role has taken effect, 409 when another operation has ended.
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

// The API versions of the ARM resources are those that the templates in infra use.
const (
	webVersion  = "2025-03-01"
	sqlVersion  = "2025-01-01"
	blobVersion = "2023-11-03"

	armScope  = "https://management.azure.com/.default"
	blobScope = "https://storage.azure.com/.default"
)

// arm sends a request to Azure Resource Manager. The path is relative to the providers of the
// resource group, and ends with ? or &.
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
