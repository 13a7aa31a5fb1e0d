package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/runs"
)

// easyAuth is the sign-in of App Service before an app that also asks for a function
// key. A caller without a token that it takes is sent to a page, or refused.
func easyAuth(t *testing.T, refuse func(w http.ResponseWriter, r *http.Request)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/.auth/"):
			fmt.Fprint(w, "<html>Sign in</html>")
		case r.Header.Get("Authorization") != "Bearer token for api://fleet/.default":
			refuse(w, r)
		case r.Header.Get("x-functions-key") != "k":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, `{"runs":[{"id":"20260301T000000Z-20260301T010000Z"}]}`)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestIdentity asks an app that wants callers to sign in. With an audience a token is sent
// along. Without one the error says what to do.
func TestIdentity(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked %s, with the headers %v", r.URL, r.Header)
		fmt.Fprint(w, "<html>Sign in</html>")
	}))
	defer elsewhere.Close()
	token := func(_ context.Context, scope string) (string, error) {
		if strings.Contains(scope, "nobody") {
			return "", errors.New("nobody is signed in")
		}
		return "token for " + scope, nil
	}
	for how, refuse := range map[string]func(http.ResponseWriter, *http.Request){
		"sent to its own page": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/.auth/login/aad", http.StatusFound)
		},
		"sent elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/oauth2/authorize", http.StatusFound)
		},
		"refused": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="fleet"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
	} {
		server := easyAuth(t, refuse)
		for _, c := range []struct{ audience, key, want string }{
			{"api://fleet", "k", ""},
			{"api://fleet/.default", "k", ""},
			{"api://fleet", "", "asks for a function key: give one with --key"},
			{"api://fleet", "wrong", "asks for a function key: give one with --key"},
			{"", "k", "asks callers to sign in"},
			{"api://other", "k", "does not take the token for api://other"},
			{"nobody", "k", "a token for nobody: nobody is signed in"},
		} {
			api := client{url: server.URL, key: c.key, audience: c.audience, token: token}
			var list runs.RunList
			err := api.call(t.Context(), http.MethodGet, "/runs", nil, nil, &list)
			if c.want == "" && (err != nil || len(list.Runs) != 1) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s, audience %q, key %q: %v, want %q", how, c.audience, c.key, err, c.want)
			}
		}
	}
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/new"+r.URL.Path, http.StatusPermanentRedirect)
	}))
	defer moved.Close()
	if err := (&client{url: moved.URL, key: "k"}).call(t.Context(), http.MethodGet, "/runs", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "give that address with --url") {
		t.Errorf("moved: %v", err)
	}
}
