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

// client asks the run status API.
type client struct {
	url string // of the Functions app, without /api
	key string // function key; none is asked for locally
	// deployed is the address of what azd deployed, if this runs under azd exec;
	// keyOf asks Azure for its key.
	deployed string
	keyOf    func(context.Context) (string, error)
	// audience is whom a token is for, if the app asks callers to sign in; token gets one
	// for a scope, as whoever is signed in.
	audience string
	token    func(ctx context.Context, scope string) (string, error)
}

// flags adds --url, --key and --identity.
func (a *client) flags(cmd *cobra.Command, c console) {
	a.deployed, a.keyOf = c.getenv("FUNCTION_APP_URL"), c.functionKey
	cmd.PersistentFlags().StringVar(&a.url, "url", cmp.Or(a.deployed, localURL()), "address of the Functions app")
	cmd.PersistentFlags().StringVar(&a.key, "key", c.getenv("FLEETSCORE_KEY"), "function key, in Azure (environment: FLEETSCORE_KEY); under azd exec it is asked for")
	cmd.PersistentFlags().StringVar(&a.audience, "identity", c.getenv("FLEETSCORE_IDENTITY"), "where the app asks callers to sign in: the audience of the token, such as api://CLIENT-ID (environment: FLEETSCORE_IDENTITY)")
	cmd.PersistentFlags().Lookup("key").DefValue = ""
	cmd.PersistentFlags().Lookup("identity").DefValue = ""
	a.token = signedIn()
}

// signedIn returns what gets tokens as whoever is signed in to azd or az. It looks for
// them at the first call.
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

// direct follows no redirect: the key and the token are for the app alone, and a page
// to sign in to is no answer.
var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// call sends in, if not nil, as JSON to a path below /api, and reads the answer
// into out.
func (a *client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
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
		return fmt.Errorf("a token for %s: %w", a.audience, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// keyFor returns the function key. That of what azd deployed is asked for once, and
// goes to no other address.
func (a *client) keyFor(ctx context.Context) (string, error) {
	if a.key != "" || a.url != a.deployed {
		return a.key, nil
	}
	var err error
	a.key, err = a.keyOf(ctx)
	return a.key, err
}

// answerError says what an answer that is no success asks for. App Service sends callers
// that have not signed in to a page, or answers 401 or 403, as it is set up.
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
		return fmt.Errorf("%s does not take the token for %s (%s): it must be an audience that its sign-in allows, and you a user that it allows", host, a.audience, resp.Status)
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

// jobs returns all jobs of a run, in one state if it is not empty.
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

// wait returns the run once it has ended, and tells bar how far it is.
func (a *client) wait(ctx context.Context, id string, bar *progress) (runs.Run, error) {
	const often = 50 // failures in a row, in five seconds or more: the handler may have to start anew
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
