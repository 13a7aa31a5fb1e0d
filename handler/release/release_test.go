package release

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

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
				"HEAD /blob/releases/" + one.Name(), "GET /blob/releases/" + historyBlob, "PUT /blob/releases/" + historyBlob,
				"POST /scm/api/publish", "GET /scm/api/deployments/one",
				"PUT " + group + "Microsoft.Sql/servers/sql/firewallRules/fleetscore-release-203-0-113-7",
				"DELETE " + group + "Microsoft.Sql/servers/sql/firewallRules/fleetscore-release-203-0-113-7",
			} {
				a.faults[key] = []int{fault, fault}
			}
			if fault != 409 { // of a put of this blob: it is there
				a.faults["PUT /blob/releases/"+one.Name()] = []int{fault, fault}
			}
			release(t, a.releaser(plan), one)
			if a.running(plan) != "one" || len(a.firewall) > 0 {
				t.Errorf("fault %d on %s: runs %q, firewall %v", fault, plan, a.running(plan), a.firewall)
			}
		}
	}
}

// TestGivesUp holds that a lasting refusal ends the release, with a remedy and
// the firewall closed.
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

// TestStopped holds that the firewall is closed behind a release that is
// stopped.
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

func TestTargetOf(t *testing.T) {
	_, err := TargetOf(func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "AZURE_SUBSCRIPTION_ID is not set") || !strings.Contains(err.Error(), "IDENTITY_CLIENT_ID is not set") {
		t.Error(err)
	}
}
