package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
)

type ask struct {
	ID     string    `path:"id" json:"-"`
	States []string  `query:"state" json:"-"`
	Limit  int       `query:"limit" json:"-"`
	All    bool      `query:"all" json:"-"`
	Since  time.Time `query:"since" json:"-"`
	From   time.Time `json:"from"`
	Glob   string    `json:"glob"`
}

func routed(stdout io.Writer, f func(context.Context, ask) (ask, error)) *Server {
	s := New(Options{Stdout: stdout})
	Route(s, "GET", "/api/runs/:id", 200, "does something", f)
	Route(s, "POST", "/api/runs/:id", 202, "does something", f)
	return s
}

func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" || method == "POST" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	r.Header.Set("X-Azure-Functions-InvocationId", "spoofed, 7d88e811")
	return r
}

func TestRouteBinds(t *testing.T) {
	t.Parallel()
	at := time.Date(2018, 8, 28, 23, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		method, target, body string
		want                 ask
	}{
		{"GET", "/api/runs/7", "", ask{ID: "7"}},
		{"GET", "/api/runs/7?code=secret", "", ask{ID: "7"}},
		{"GET", "/api/runs/7", `not json`, ask{ID: "7"}},
		{"GET", "/api/runs/a%20b%2Fc", "", ask{ID: "a b/c"}},
		{"GET", "/api/runs/..", "", ask{ID: ".."}},
		{"GET", "/api/runs/7?state=failed,no_data&limit=5&all=true&since=2018-08-28T23:00:00Z", "", ask{ID: "7", States: []string{"failed", "no_data"}, Limit: 5, All: true, Since: at}},
		{"GET", "/api/runs/7?state=a&state=b&state=", "", ask{ID: "7", States: []string{"a", "b", ""}}},
		{"GET", "/api/runs/7?state=", "", ask{ID: "7"}},
		{"POST", "/api/runs/7", `{"from":"2018-08-28T23:00:00Z","glob":"1/*"}`, ask{ID: "7", From: at, Glob: "1/*"}},
		{"POST", "/api/runs/7?limit=2", "", ask{ID: "7", Limit: 2}},
		{"POST", "/api/runs/7", " {} \n", ask{ID: "7"}},
	} {
		var got ask
		s := routed(io.Discard, func(_ context.Context, req ask) (ask, error) { got = req; return req, nil })
		want := 200
		if tc.method == "POST" {
			want = 202
		}
		if status, rep := serve(t, s, request(tc.method, tc.target, tc.body)); status != want || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s %s: status %d %s, got %+v, want %+v", tc.method, tc.target, status, rep.Error+rep.Detail, got, tc.want)
		}
	}
}

// Names of devices stand in queries, which the host writes anew: by .NET's UrlEncoder,
// which leaves more characters as they are than Go's does.
func TestRouteTakesNamesAsTheHostWritesThem(t *testing.T) {
	t.Parallel()
	asTheHost := strings.NewReplacer("+", "%20", "%3B", ";", "%2C", ",", "%21", "!", "%24", "$", "%28", "(", "%29", ")", "%2A", "*", "%40", "@")
	type named struct {
		Device string `query:"device" json:"-"`
	}
	var got string
	s := New(Options{Stdout: io.Discard})
	Route(s, "GET", "/api/device", 200, "does something", func(_ context.Context, req named) (named, error) { got = req.Device; return req, nil })
	for _, name := range fleettest.Names {
		query := asTheHost.Replace(url.QueryEscape(name))
		if status, rep := serve(t, s, request("GET", "/api/device?device="+query+"&code=key", "")); status != 200 || got != name {
			t.Errorf("%q, written as %q: %d %s, read as %q; want 200 and the name", name, query, status, rep.Detail, got)
		}
	}
}

func TestRouteRefuses(t *testing.T) {
	t.Parallel()
	var stdout output
	s := routed(&stdout, func(_ context.Context, req ask) (ask, error) {
		t.Errorf("f was called with %+v", req)
		return req, nil
	})
	for _, tc := range []struct {
		method, target, body string
		status               int
		text                 string
	}{
		{"GET", "/api/runs/7?limit=x", "", 400, `query parameter limit: "x" is not a whole number`},
		{"GET", "/api/runs/7?limit=99999999999999999999", "", 400, "in range"},
		{"GET", "/api/runs/7?limit=1&limit=2", "", 400, `"1,2"`},
		{"GET", "/api/runs/7?all=maybe", "", 400, "neither true nor false"},
		{"GET", "/api/runs/7?since=yesterday", "", 400, "query parameter since"},
		{"GET", "/api/runs/7?nope=1", "", 400, `no query parameter "nope"`},
		{"GET", "/api/runs/7?a=%zz", "", 400, "query"},
		{"GET", "/api/runs/7?a;b", "", 400, `no query parameter "a;b"`},
		{"POST", "/api/runs/7", `{"from":7}`, 400, "body"},
		{"POST", "/api/runs/7", `{"glob":7}`, 400, "member glob cannot be a JSON number"},
		{"POST", "/api/runs/7", `{"glob":"x","more":1}`, 400, `unknown field "more"`},
		{"POST", "/api/runs/7", `{"ID":"8"}`, 400, `unknown field "ID"`},
		{"POST", "/api/runs/7", `{"Limit":8}`, 400, `unknown field "Limit"`},
		{"POST", "/api/runs/7", `[]`, 400, "object"},
		{"POST", "/api/runs/7", `{"glob":"x"`, 400, "ends too soon"},
		{"POST", "/api/runs/7", `{} {}`, 400, "text after"},
		{"POST", "/api/runs/7", `{"glob":` + strings.Repeat("[", 100_000), 400, "body"},
		{"POST", "/api/runs/7", strings.Repeat(" ", maxRequest+1), 413, "more than 1048576 bytes"},
		{"PUT", "/api/runs/7", `{}`, 405, "PUT"},
		{"DELETE", "/api/runs/7", ``, 405, "DELETE"},
		{"GET", "/api/runs", "", 404, `"/api/runs"`},
		{"GET", "/api/RUNS/7", "", 404, "no"},
		{"GET", "/api/runs/7/", "", 404, "no"},
		{"GET", "//api/runs/7", "", 404, "no"},
		{"GET", "/api/../score", "", 404, "no"},
		{"GET", "/api/..%2Fscore", "", 404, "no"},
	} {
		status, rep := serve(t, s, request(tc.method, tc.target, tc.body))
		if status != tc.status || !strings.Contains(rep.Error+rep.Detail, tc.text) {
			t.Errorf("%s %.60s %.40s: %d %q; want %d and %q", tc.method, tc.target, tc.body, status, rep.Error+rep.Detail, tc.status, tc.text)
		}
	}
	r := request("POST", "/api/runs/7", "a=b")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, rep := serve(t, s, r); status != 415 || !strings.Contains(rep.Error+rep.Detail, "application/json") {
		t.Errorf("a form: %d %q, want 415 that names application/json", status, rep.Error+rep.Detail)
	}
	if stdout.String() != "" {
		t.Errorf("a client's mistake was logged: %s", stdout.String())
	}
}

func TestRouteErrors(t *testing.T) {
	t.Parallel()
	secret := "Server=x;Password=hunter2"
	for _, tc := range []struct {
		do     func() error
		status int
		text   string
		logged bool
	}{
		{func() error { return fmt.Errorf("run 7: %w", fleet.ErrNotFound) }, 404, "run 7: not found", false},
		{func() error { return fmt.Errorf("run 7: %w", fleet.ErrConflict) }, 409, "run 7: conflict", false},
		{func() error { return fmt.Errorf("%w: limit", fleet.ErrInvalid) }, 400, "invalid: limit", false},
		{func() error { return fmt.Errorf("%s: %w", secret, fleet.ErrUnavailable) }, 503, "service unavailable; the log says more under invocation 7d88e811", true},
		{func() error { return errors.New(secret) }, 500, "internal server error; the log says more under invocation 7d88e811", true},
		{func() error { panic(secret) }, 500, "internal server error; the log", true},
	} {
		var stdout output
		s := routed(&stdout, func(_ context.Context, req ask) (ask, error) { return req, tc.do() })
		r := request("GET", "/api/runs/7?code=topsecret", "")
		r.Header.Set("X-Functions-Key", "topsecret")
		status, rep := serve(t, s, r)
		if strings.Contains(stdout.String(), "topsecret") {
			t.Errorf("the caller's key was logged: %s", stdout.String())
		}
		if status != tc.status || !strings.HasPrefix(rep.Error+rep.Detail, tc.text) || strings.Contains(rep.Detail, "hunter2") {
			t.Errorf("%d %q; want %d %q", status, rep.Error+rep.Detail, tc.status, tc.text)
		}
		if strings.Contains(stdout.String(), "panic:") != strings.Contains(stdout.String(), "route_test.go") {
			t.Errorf("the stack of a panic: %s", stdout.String())
		}
		if logged := strings.Contains(stdout.String(), `"invocation":"7d88e811"`); logged != tc.logged {
			t.Errorf("%d: stdout is %s", tc.status, stdout.String())
		}
	}
}

func TestRouteReply(t *testing.T) {
	t.Parallel()
	s := routed(io.Discard, func(_ context.Context, req ask) (ask, error) { return ask{Glob: "x"}, nil })
	for method, want := range map[string]string{"GET": `{"from":"0001-01-01T00:00:00Z","glob":"x"}`, "HEAD": ""} {
		server := httptest.NewServer(s)
		r, _ := http.NewRequest(method, server.URL+"/api/runs/7", nil)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		server.Close()
		if string(body) != want || resp.StatusCode != 200 || resp.ContentLength != 42 {
			t.Errorf("%s: %d %q, length %d", method, resp.StatusCode, body, resp.ContentLength)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", method, resp.Header)
		}
	}
}

// Whatever spelling of its path the host lets through to the anonymous health,
// nothing else answers.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := New(Options{Stdout: io.Discard, Version: "1.2.3", Commit: "abc"})
	s.Handle("GET", "/api/*", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { replyJSON(w, 299, []byte(`{}`)) }))
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/health", 200},
		{"HEAD", "/api/health", 200},
		{"POST", "/api/health", 405},
		{"GET", "/api/HEALTH", 200},
		{"GET", "/API/Health", 200},
		{"GET", "/api/health/", 200},
		{"GET", "/api/health//", 200},
		{"GET", "/api//health", 200},
		{"GET", "/api/he%61lth", 200},
		{"GET", "/api/%48ealth/", 200},
		{"GET", "/api/./health", 200},
		{"GET", "/api/x/../health", 200},
		{"GET", "/api/x/%2e%2e/health", 200},
		{"GET", "/api%2Fhealth", 200},
		{"GET", "/api/health?x=/api/runs", 200},
		{"GET", "/api/healthy", 299},
		{"GET", "/api/health/x", 299},
		{"GET", "/api/runs", 299},
		{"GET", "/api/", 299},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, nil))
		if w.Code != tc.status || tc.status == 200 && w.Body.String() != `{"status":"ok","version":"1.2.3","commit":"abc"}` {
			t.Errorf("%s %s: %d %s; want %d", tc.method, tc.path, w.Code, w.Body, tc.status)
		}
	}
}

func TestRoutePanicsOnWhatItCannotBind(t *testing.T) {
	t.Parallel()
	type exposed struct {
		ID string `path:"id"`
	}
	type unknown struct {
		At chan int `query:"at" json:"-"`
	}
	for name, mount := range map[string]func(*Server){
		"without json:\"-\"": func(s *Server) {
			Route(s, "GET", "/a", 200, "does something", func(context.Context, exposed) (int, error) { return 0, nil })
		},
		"of no known type": func(s *Server) {
			Route(s, "GET", "/b", 200, "does something", func(context.Context, unknown) (int, error) { return 0, nil })
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a field %s gives no panic", name)
				}
			}()
			mount(New(Options{Stdout: io.Discard}))
		}()
	}
}

// Whatever comes in over HTTP, the answer is a JSON object and no 500.
func FuzzRoute(f *testing.F) {
	f.Add("POST", "/api/runs/7", "limit=1&state=a", `{"glob":"x"}`)
	f.Add("GET", "/api/runs/%2e%2e", "code=1;", "\x00")
	f.Add("POST", "/api/health/", "since=2018-08-28T23:00:00Z", `{"from":"`)
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		s := routed(io.Discard, func(_ context.Context, req ask) (ask, error) { return req, nil })
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
		if err != nil || r.URL.Path == "" {
			t.Skip()
		}
		if r.URL, err = r.URL.Parse(path); err != nil {
			t.Skip()
		}
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q?%q: %d %s", method, path, query, w.Code, w.Body)
		}
		if w.Code != http.StatusNoContent && w.Body.String() != "ready\n" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %q: %d %q", method, path, w.Code, w.Body)
		}
	})
}
