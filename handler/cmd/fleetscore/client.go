package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/release"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// client calls the API of a Functions app.
type client struct {
	url string // of the Functions app, without /api
	key string // function key; empty if the app asks for none
	// deployed is the address of the app that azd deployed. It is empty unless this
	// runs under azd exec. keyOf gets the function key of that app from Azure.
	deployed string
	keyOf    func(context.Context) (string, error)
	// audience is the audience of the token, if the app asks callers to sign in. token
	// gets a token for a scope, for the user who is signed in to azd or az.
	audience string
	token    func(ctx context.Context, scope string) (string, error)
}

// flags adds --url, --key and --identity.
func (a *client) flags(cmd *cobra.Command, c console) {
	a.deployed, a.keyOf = c.getenv("FUNCTION_APP_URL"), c.functionKey
	cmd.PersistentFlags().StringVar(&a.url, "url", cmp.Or(a.deployed, localURL()), "address of the Functions app")
	cmd.PersistentFlags().StringVar(&a.key, "key", c.getenv("FLEETSCORE_KEY"), "function key of an app in Azure (environment: FLEETSCORE_KEY; under azd exec, Azure is asked for it)")
	cmd.PersistentFlags().StringVar(&a.audience, "identity", c.getenv("FLEETSCORE_IDENTITY"), "audience of the token, such as api://CLIENT-ID, if the app asks callers to sign in (environment: FLEETSCORE_IDENTITY)")
	cmd.PersistentFlags().Lookup("key").DefValue = ""
	cmd.PersistentFlags().Lookup("identity").DefValue = ""
	a.token = signedIn()
}

// signedIn returns a function that gets tokens for the user who is signed in to azd or
// az. The function looks for azd and az at its first call.
func signedIn() func(ctx context.Context, scope string) (string, error) {
	sources := sync.OnceValues(release.SignedIn)
	return func(ctx context.Context, scope string) (string, error) {
		tokens, err := sources()
		if err != nil {
			return "", err
		}
		return tokens(ctx, scope)
	}
}

// direct follows no redirects. The key and the token must go to no other server, and a
// sign-in page is not an answer of the API.
var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// call sends in, if not nil, as JSON to a path below /api, and reads the answer
// into out.
func (a *client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	if in == nil && method != http.MethodGet {
		in = struct{}{} // the host drops the Content-Type of an empty body, and the app asks for it
	}
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	address := strings.TrimSuffix(a.url, "/") + "/api" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := a.authorize(req); err != nil {
		return err
	}
	resp, err := direct.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing answers at %s: start it with fleetscore serve, or name the app with --url", a.url)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return a.answerError(resp)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// authorize adds the key and the token to a request.
func (a *client) authorize(req *http.Request) error {
	key, err := a.keyFor(req.Context())
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("x-functions-key", key)
	}
	if a.audience == "" {
		return nil
	}
	token, err := a.token(req.Context(), strings.TrimSuffix(a.audience, "/.default")+"/.default")
	if err != nil {
		return fmt.Errorf("get a token for %s: %w", a.audience, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// keyFor returns the function key. The key of the app that azd deployed is got from
// Azure once, and is sent to that app only.
func (a *client) keyFor(ctx context.Context) (string, error) {
	if a.key != "" || a.url != a.deployed {
		return a.key, nil
	}
	var err error
	a.key, err = a.keyOf(ctx)
	return a.key, err
}

// answerError returns the error for an answer that is not a success, and how to mend it.
// App Service redirects callers that have not signed in to a page, or answers 401 or
// 403. Which of these it does is a setting of the app.
// https://learn.microsoft.com/azure/app-service/overview-authentication-authorization
func (a *client) answerError(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	var problem struct{ Detail string } // of RFC 9457
	if json.Unmarshal(data, &problem) == nil && problem.Detail != "" {
		return fmt.Errorf("%s (%d)", problem.Detail, resp.StatusCode)
	}
	host, to := resp.Request.URL.Host, resp.Header.Get("Location")
	at, err := resp.Location()
	asks := err == nil && (at.Host != host || strings.HasPrefix(at.Path, "/.auth/")) || strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer")
	switch {
	case a.audience != "" && (asks || resp.StatusCode == http.StatusForbidden):
		return fmt.Errorf("%s does not take the token for %s (%s): its sign-in must allow this audience, and your user", host, a.audience, resp.Status)
	case asks:
		return fmt.Errorf("%s asks callers to sign in (%s): name the audience of its sign-in with --identity, such as --identity api://CLIENT-ID", host, resp.Status)
	case resp.StatusCode/100 == 3:
		return fmt.Errorf("%s sends callers to %s: give that address with --url", host, to)
	case resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s asks for a function key: give one with --key", host)
	}
	return fmt.Errorf("%s: %s %s", resp.Request.URL, resp.Status, bytes.TrimSpace(data))
}

func (a *client) open(ctx context.Context, from, to time.Time) (run runs.Opened, err error) {
	err = a.call(ctx, http.MethodPost, "/runs", nil, runs.OpenRequest{From: from, To: to}, &run)
	return run, err
}

func (a *client) show(ctx context.Context, id string) (run runs.Run, err error) {
	err = a.call(ctx, http.MethodGet, "/runs/"+url.PathEscape(id), nil, nil, &run)
	return run, err
}

// jobs returns all jobs of a run, or those in one state if state is not empty.
func (a *client) jobs(ctx context.Context, id, state string) (all []runs.Job, err error) {
	query := url.Values{"limit": {"1000"}}
	if state != "" {
		query.Set("state", state)
	}
	for {
		var page runs.JobList
		if err := a.call(ctx, http.MethodGet, "/runs/"+url.PathEscape(id)+"/jobs", query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Jobs...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("after", page.Next)
	}
}

// wait waits until a run has ended, and returns it. bar shows the number of jobs that
// are closed.
func (a *client) wait(ctx context.Context, id string, bar *progress) (runs.Run, error) {
	const often = 50 // failures in a row: that is five seconds or more, enough for the handler to restart
	for failures := 0; ; {
		run, err := a.show(ctx, id)
		if err != nil {
			if failures++; failures == often || ctx.Err() != nil {
				return run, err
			}
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return run, err
			}
			continue
		}
		failures = 0
		bar.set(run.Progress.Closed)
		if !run.State.Open() {
			return run, nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return run, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
