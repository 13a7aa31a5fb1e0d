package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

// azure stands in for Resource Manager, Blob storage, the deployment site and
// the app. It refuses what Azure would refuse.
type azure struct {
	*testing.T
	mu       sync.Mutex
	server   *httptest.Server
	settings map[string]string
	blobs    map[string][]byte
	firewall map[string]string // rule: address
	deployed []byte            // on Flex Consumption
	polls    int
	changes  []string
	faults   map[string][]int // by "METHOD path": statuses to answer first; 0 cuts the connection
	admitted string
	delay    int // looks until a firewall rule takes effect
	requests int // so far
	at       int // the request that disturb happens to, from 1
	disturb  disturbance
	waits    []time.Duration
}

// disturbance is what happens to a request instead of its answer.
type disturbance struct {
	name   string
	status int  // another answer, with Retry-After 7
	done   bool // what it asks for is done all the same
	stall  bool // no answer until the client gives up; else the connection is cut
}

// strike disturbs a request whose true answer is in got, if it was done.
func (d disturbance) strike(w http.ResponseWriter, req *http.Request, got *httptest.ResponseRecorder) {
	switch {
	case d.status != 0:
		w.Header().Set("Retry-After", "7")
		http.Error(w, d.name, d.status)
		return
	case d.stall:
		<-req.Context().Done()
	case d.done && got.Body.Len() > 0:
		w.Header().Set("Content-Length", fmt.Sprint(got.Body.Len()))
		w.WriteHeader(got.Code)
		w.Write(got.Body.Bytes()[:got.Body.Len()/2])
		w.(http.Flusher).Flush()
	}
	panic(http.ErrAbortHandler)
}

func newAzure(t *testing.T) *azure {
	a := &azure{T: t, settings: map[string]string{"KEEP": "me", packageSetting: "none"}, blobs: map[string][]byte{}, firewall: map[string]string{}, faults: map[string][]int{}}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

const (
	group    = "/subscriptions/sub/resourceGroups/rg/providers/"
	theApp   = group + "Microsoft.Web/sites/func"
	theRules = group + "Microsoft.Sql/servers/sql/firewallRules"
)

func (a *azure) releaser(plan string) *Releaser {
	return &Releaser{
		Target: Target{Subscription: "sub", Group: "rg", App: "func", URL: a.server.URL, Plan: plan, Blobs: a.server.URL + "/blob/", Container: "releases",
			SQLServer: "sql", Identity: "id-app", ClientID: "client"},
		HTTP: a.server.Client(), Out: io.Discard, ARM: a.server.URL, SCM: a.server.URL + "/scm",
		Tokens: func(_ context.Context, scope string) (string, error) { return "for " + scope, nil },
		Open:   func() (Database, error) { return database{a}, nil },
		Wait: func(ctx context.Context, d time.Duration) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.waits = append(a.waits, d)
			return ctx.Err()
		},
	}
}

func (a *azure) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a.mu.Lock()
	a.requests++
	struck := a.requests == a.at
	a.mu.Unlock()
	if !struck {
		a.answer(w, req)
		return
	}
	got := httptest.NewRecorder()
	if a.disturb.done {
		a.answer(got, req)
	} else if _, err := io.Copy(io.Discard, req.Body); err != nil {
		a.Error(err)
	}
	a.disturb.strike(w, req, got)
}

func (a *azure) answer(w http.ResponseWriter, req *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := req.Method + " " + req.URL.Path
	if f := a.faults[key]; len(f) > 0 {
		a.faults[key] = f[1:]
		if f[0] == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, "fault", f[0])
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		a.Error(err)
	}
	a.checkCommon(req)
	switch {
	case strings.HasPrefix(req.URL.Path, "/blob/releases/"):
		a.blob(w, req, strings.TrimPrefix(req.URL.Path, "/blob/releases/"), body)
	case key == "GET "+theRules:
		a.rules(w)
	case strings.HasPrefix(req.URL.Path, theRules+"/"):
		a.rule(w, req, req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:], body)
	default:
		a.app(w, req, key, body)
	}
}

// checkCommon checks what every request of a kind has in common.
func (a *azure) checkCommon(req *http.Request) {
	auth, version := "Bearer for "+armScope, ""
	switch path := req.URL.Path; {
	case path == "/api/health":
		auth = ""
	case strings.HasPrefix(path, "/blob/"):
		auth = "Bearer for " + blobScope
		if got := req.Header.Get("x-ms-version"); got != "2023-11-03" {
			a.Errorf("%s: x-ms-version %q", path, got)
		}
	case strings.Contains(path, "Microsoft.Sql"):
		version = "2025-01-01"
	case strings.HasPrefix(path, group):
		version = "2025-03-01"
	}
	if got := req.Header.Get("Authorization"); got != auth {
		a.Errorf("%s %s: authorization %q, want %q", req.Method, req.URL, got, auth)
	}
	if got := req.URL.Query().Get("api-version"); got != version {
		a.Errorf("%s %s: api-version %q, want %q", req.Method, req.URL, got, version)
	}
}

func (a *azure) app(w http.ResponseWriter, req *http.Request, key string, body []byte) {
	switch key {
	case "POST " + theApp + "/config/appsettings/list":
		json.NewEncoder(w).Encode(map[string]any{"properties": a.settings})
	case "PUT " + theApp + "/config/appsettings":
		var in struct{ Properties map[string]string }
		if err := json.Unmarshal(body, &in); err != nil || in.Properties["KEEP"] != "me" {
			a.Errorf("settings %s: %v", body, err)
		}
		a.settings = in.Properties
		a.change("settings")
	case "POST " + theApp + "/restart":
		if req.URL.Query().Get("synchronous") != "true" {
			a.Errorf("restart: %s", req.URL)
		}
		a.change("restart")
	case "POST " + theApp + "/syncfunctiontriggers":
		w.WriteHeader(http.StatusNoContent)
	case "GET " + theApp + "/functions":
		fmt.Fprint(w, `{"value":[{"name":"func/ingest"},{"name":"func/score"}]}`)
	case "POST " + theApp + "/host/default/listkeys":
		fmt.Fprint(w, `{"masterKey":"m","functionKeys":{"default":"k","other":"o"},"systemKeys":{}}`)
	case "GET /api/health":
	case "POST /scm/api/publish":
		if req.URL.RawQuery != "RemoteBuild=false&Deployer=fleetscore" || req.Header.Get("Content-Type") != "application/zip" {
			a.Errorf("publish: %s %v", req.URL, req.Header)
		}
		a.deployed, a.polls = body, 0
		a.change("publish")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `"one"`)
	case "GET /scm/api/deployments/one":
		a.polls++
		fmt.Fprintf(w, `{"status":%d}`, min(a.polls, deploymentSucceeded-1)%3+a.polls/4*4)
	default:
		a.Errorf("unexpected %s", key)
		w.WriteHeader(http.StatusNotFound)
	}
}

func (a *azure) blob(w http.ResponseWriter, req *http.Request, name string, body []byte) {
	content, there := a.blobs[name]
	etag := fmt.Sprintf(`"%x"`, content)
	switch {
	case req.Method == http.MethodPut:
		if req.Header.Get("x-ms-blob-type") != "BlockBlob" {
			a.Errorf("put %s: %v", name, req.Header)
		}
		if there && req.Header.Get("If-None-Match") == "*" {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if match := req.Header.Get("If-Match"); match != "" && match != etag {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		a.blobs[name] = body
		a.change("blob")
		w.WriteHeader(http.StatusCreated)
	case !there:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("ETag", etag)
		w.Write(content)
	}
}

func (a *azure) rules(w http.ResponseWriter) {
	list := []map[string]string{{"name": "AllowAllWindowsAzureIps"}}
	for name := range a.firewall {
		list = append(list, map[string]string{"name": name})
	}
	json.NewEncoder(w).Encode(map[string]any{"value": list})
}

func (a *azure) rule(w http.ResponseWriter, req *http.Request, name string, body []byte) {
	if _, there := a.firewall[name]; !there && name != "fleetscore-release-203-0-113-7" {
		a.Errorf("%s rule %s", req.Method, name)
	}
	if req.Method == http.MethodDelete {
		delete(a.firewall, name)
		return
	}
	var in struct {
		Properties struct{ StartIPAddress, EndIPAddress string }
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Properties.StartIPAddress != "203.0.113.7" || in.Properties.EndIPAddress != "203.0.113.7" {
		a.Errorf("rule %s: %v", body, err)
	}
	a.firewall[name] = in.Properties.StartIPAddress
	w.WriteHeader(http.StatusCreated)
}

func (a *azure) change(what string) { a.changes = append(a.changes, what) }

// database refuses until the firewall is open, and some looks longer.
type database struct{ a *azure }

func (d database) Migrate(context.Context) error {
	d.a.mu.Lock()
	defer d.a.mu.Unlock()
	if len(d.a.firewall) == 0 || d.a.delay > 0 {
		d.a.delay--
		return errors.New("mssql: Cannot open server 'sql' requested by the login. Client with IP address '203.0.113.7' is not allowed to access the server.")
	}
	return nil
}

func (d database) Admit(_ context.Context, name, client string) error {
	d.a.admitted = name + " " + client
	return nil
}

func (d database) Close() error { return nil }

var (
	one = pack.Package{Zip: []byte("one"), Functions: []string{"ingest", "score"}}
	two = pack.Package{Zip: []byte("two"), Functions: []string{"ingest", "score"}}
)

// state is all that a release may leave behind.
func (a *azure) state() string {
	names := []string{}
	for name := range a.blobs {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.ReplaceAll(fmt.Sprint(a.settings, names, string(a.blobs[historyBlob]), a.firewall, string(a.deployed), a.admitted), a.server.URL, "https://azure")
}
