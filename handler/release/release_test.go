package release

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

// running returns what the app runs.
func (a *azure) running(plan string) string {
	if plan == "FC1" {
		return string(a.deployed)
	}
	at := a.settings[packageSetting]
	return string(a.blobs[at[strings.LastIndex(at, "/")+1:]])
}

func TestRelease(t *testing.T) {
	for _, plan := range []string{"EP1", "FC1"} {
		t.Run(plan, func(t *testing.T) {
			a := newAzure(t)
			a.delay = 3
			r := a.releaser(plan)
			release(t, r, one)
			if got := a.running(plan); got != "one" {
				t.Errorf("runs %q", got)
			}
			if a.admitted != "id-app client" || len(a.firewall) > 0 {
				t.Errorf("admitted %q, firewall open for %v", a.admitted, a.firewall)
			}
			before := a.state()
			a.changes = nil
			release(t, r, one)
			if len(a.changes) > 0 || a.state() != before {
				t.Errorf("a second release changes %v:\n%s\n%s", a.changes, before, a.state())
			}
		})
	}
}

func release(t *testing.T, r *Releaser, p pack.Package) {
	t.Helper()
	if err := r.Release(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// TestRollback goes back and forth.
func TestRollback(t *testing.T) {
	for _, plan := range []string{"EP1", "FC1"} {
		t.Run(plan, func(t *testing.T) {
			a := newAzure(t)
			r := a.releaser(plan)
			release(t, r, one)
			if err := r.Rollback(t.Context()); err == nil || !strings.Contains(err.Error(), "no package ran before") {
				t.Errorf("rollback of the first: %v", err)
			}
			release(t, r, two)
			if err := r.Rollback(t.Context()); err != nil || a.running(plan) != "one" {
				t.Fatalf("runs %q after the rollback: %v", a.running(plan), err)
			}
			release(t, r, two)
			if a.running(plan) != "two" {
				t.Errorf("runs %q", a.running(plan))
			}
		})
	}
}

// TestFaults answers each request first with what Azure answers while roles
// are on their way, others work, or it is busy; and cuts connections.
func TestFaults(t *testing.T) {
	for _, fault := range []int{403, 401, 409, 429, 408, 500, 503, 0} {
		for _, plan := range []string{"EP1", "FC1"} {
			a := newAzure(t)
			for _, key := range []string{
				"PUT " + theApp + "/config/appsettings", "POST " + theApp + "/config/appsettings/list", "POST " + theApp + "/restart",
				"POST " + theApp + "/syncfunctiontriggers", "GET " + theApp + "/functions", "GET /api/health",
				"HEAD /blob/releases/" + one.Name(), "PUT /blob/releases/" + one.Name(), "GET /blob/releases/" + historyBlob, "PUT /blob/releases/" + historyBlob,
				"POST /scm/api/publish", "GET /scm/api/deployments/one",
				"PUT " + group + "Microsoft.Sql/servers/sql/firewallRules/fleetscore-release-203-0-113-7",
				"DELETE " + group + "Microsoft.Sql/servers/sql/firewallRules/fleetscore-release-203-0-113-7",
			} {
				a.faults[key] = []int{fault, fault}
			}
			release(t, a.releaser(plan), one)
			if a.running(plan) != "one" || len(a.firewall) > 0 {
				t.Errorf("fault %d on %s: runs %q, firewall %v", fault, plan, a.running(plan), a.firewall)
			}
		}
	}
}

// TestDisturbed disturbs each single request of a release in each way. The release leaves
// what an undisturbed one leaves, and a second release changes nothing.
func TestDisturbed(t *testing.T) {
	disturbances := []disturbance{
		{name: "cut before it is done"}, {name: "cut in the middle of the answer", done: true},
		{name: "stalled before it is done", stall: true}, {name: "done, and the answer stalled", done: true, stall: true},
		{name: "done, and answered by a gateway's 504", done: true, status: 504},
	}
	for _, status := range []int{401, 403, 408, 409, 429, 500, 502, 503} {
		disturbances = append(disturbances, disturbance{name: fmt.Sprint(status), status: status})
	}
	for _, plan := range []string{"EP1", "FC1"} {
		quiet := newAzure(t)
		release(t, quiet.releaser(plan), one)
		requests, want := quiet.requests, quiet.state()
		if requests < 12 {
			t.Fatalf("%s: a release sends %d requests", plan, requests)
		}
		for at := 1; at <= requests; at++ {
			for _, d := range disturbances {
				t.Run(fmt.Sprintf("%s/%d/%s", plan, at, d.name), func(t *testing.T) {
					t.Parallel()
					a := newAzure(t)
					a.at, a.disturb = at, d
					r := a.releaser(plan)
					if d.stall {
						r.HTTP.Timeout = 200 * time.Millisecond
					}
					release(t, r, one)
					if got := a.state(); got != want {
						t.Errorf("got\n%s\nwant\n%s", got, want)
					}
					if !d.done && a.requests <= requests {
						t.Errorf("%d requests, want more than %d: nothing was tried again", a.requests, requests)
					}
					if d.status != 0 && !slices.ContainsFunc(a.waits, func(w time.Duration) bool { return w >= pollWait }) {
						t.Errorf("waits %v, want one of 7 s or more, which the server asked for", a.waits)
					}
					a.changes = nil
					release(t, r, one)
					if len(a.changes) > 0 || a.state() != want {
						t.Errorf("a second release changes %v, want nothing", a.changes)
					}
				})
			}
		}
	}
}

// TestStallsEnd checks that the time of requests that stall counts as waiting, too.
func TestStallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Releaser{Out: io.Discard, Wait: Sleep, HTTP: &http.Client{Timeout: AttemptTimeout, Transport: stalled{}}}
		begun := time.Now()
		_, err := r.send(t.Context(), call{method: http.MethodGet, url: "http://stalled.example"})
		if took := time.Since(begun); err == nil || !strings.Contains(err.Error(), "gave up after") || took > patience+2*AttemptTimeout {
			t.Errorf("after %v: %v; want it to give up within %v", took, err, patience+2*AttemptTimeout)
		}
	})
}

type stalled struct{}

func (stalled) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// TestClosesBehindTheKilled checks that a release deletes the firewall rule that a killed
// one left, and no other.
func TestClosesBehindTheKilled(t *testing.T) {
	a := newAzure(t)
	a.firewall["fleetscore-release-198-51-100-1"], a.firewall["office"] = "198.51.100.1", "192.0.2.1"
	release(t, a.releaser("EP1"), one)
	if len(a.firewall) != 1 || a.firewall["office"] == "" {
		t.Errorf("the firewall has the rules %v, want the office's alone", a.firewall)
	}
}

// TestGivesUp checks that a lasting refusal ends the release. The error has a remedy, and
// the firewall is closed.
func TestGivesUp(t *testing.T) {
	a := newAzure(t)
	a.faults["HEAD /blob/releases/"+one.Name()] = slices.Repeat([]int{403}, 1000)
	err := a.releaser("EP1").Release(t.Context(), one)
	if err == nil || !strings.Contains(err.Error(), "status 403") || !strings.Contains(err.Error(), "to mend it: ") || !strings.Contains(err.Error(), "gave up after") {
		t.Error(err)
	}
	if len(a.firewall) > 0 || a.settings[packageSetting] != "none" {
		t.Errorf("firewall %v, package %s", a.firewall, a.settings[packageSetting])
	}
	a = newAzure(t)
	a.faults["PUT "+theApp+"/config/appsettings"] = []int{400}
	if err := a.releaser("EP1").Release(t.Context(), one); err == nil || !strings.Contains(err.Error(), "status 400: fault") {
		t.Errorf("what no retry mends: %v", err)
	}
	a = newAzure(t)
	a.delay = 1000
	if err := a.releaser("EP1").Release(t.Context(), one); err == nil || !strings.Contains(err.Error(), "still refuses 203.0.113.7") || len(a.firewall) > 0 {
		t.Errorf("a firewall that never opens: %v; %v", err, a.firewall)
	}
}

// TestStopped checks that a release that is stopped closes the firewall.
func TestStopped(t *testing.T) {
	a := newAzure(t)
	a.delay = 5
	ctx, cancel := context.WithCancel(t.Context())
	r := a.releaser("EP1")
	r.Out = writerFunc(func(p []byte) {
		if bytes.Contains(p, []byte("open the SQL firewall")) {
			cancel()
		}
	})
	if err := r.Release(ctx, one); err == nil || len(a.firewall) > 0 {
		t.Errorf("%v; firewall open for %v", err, a.firewall)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestContentShare(t *testing.T) {
	a := newAzure(t)
	r := a.releaser("EP1")
	r.ContentShare = true
	release(t, r, one)
	if a.admitted == "" || len(a.changes) > 0 {
		t.Errorf("admitted %q, changed %v", a.admitted, a.changes)
	}
	if err := r.Rollback(t.Context()); err == nil {
		t.Error("rolls back what azd deployed")
	}
}

func TestRunning(t *testing.T) {
	a := newAzure(t)
	r := a.releaser("EP1")
	if got, err := r.Running(t.Context()); got != "" || err != nil {
		t.Errorf("before the first release: %q, %v", got, err)
	}
	a.faults["POST "+theApp+"/config/appsettings/list"] = []int{404}
	if got, err := r.Running(t.Context()); got != "" || err != nil {
		t.Errorf("of an app that was taken down: %q, %v", got, err)
	}
	release(t, r, one)
	if got, err := r.Running(t.Context()); got != "releases/"+one.Name() || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFunctionKey(t *testing.T) {
	if got, err := newAzure(t).releaser("EP1").FunctionKey(t.Context()); got != "k" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// source is a credential whose tokens are valid for the time life.
type source struct {
	life  time.Duration
	asked int
}

func (s *source) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	s.asked++
	return azcore.AccessToken{Token: fmt.Sprint(o.Scopes[0], s.asked), ExpiresOn: time.Now().Add(s.life)}, nil
}

// TestTokensAreCached checks that a token is asked for once for each scope, and again
// before it ends.
func TestTokensAreCached(t *testing.T) {
	for life, want := range map[time.Duration]string{time.Hour: "a1 a1 b2", time.Minute: "a1 a2 b3"} {
		tokens := cached(&source{life: life})
		var got [3]string
		for i, scope := range []string{"a", "a", "b"} {
			got[i], _ = tokens(t.Context(), scope)
		}
		if strings.Join(got[:], " ") != want {
			t.Errorf("tokens of %v: %v, want %s", life, got, want)
		}
	}
}

func TestTargetOf(t *testing.T) {
	_, err := TargetOf(func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "AZURE_SUBSCRIPTION_ID is not set") || !strings.Contains(err.Error(), "IDENTITY_CLIENT_ID is not set") {
		t.Error(err)
	}
}
