package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/loopback"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// buffer may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestServe has the other commands find the storage, database, event hub and API of a
// serve that runs in the same folder.
func TestServe(t *testing.T) {
	dist, repo := staged(t), abs(t, repository)
	t.Chdir(t.TempDir())
	_, out, stop := serve(t, dist)
	waitFor(t, out, "runs list", func() bool {
		_, _, code := command(t, "", nil, "runs", "list")
		_, err := os.Stat(served)
		return code == 0 && err == nil
	})

	announced := readServed()[servedPort]
	_, second, stopSecond := serve(t, dist)
	waitFor(t, second, "another serve", func() bool {
		return strings.Contains(second.String(), "another serve runs in this folder, at http://localhost:"+announced+"/api/")
	})
	stopSecond()
	if left := readServed()[servedPort]; left != announced {
		t.Errorf("a second serve has ended, and the commands use port %q; want the first's, %q", left, announced)
	}

	samples := filepath.Join(repo, "handler/simulate/models")
	for i, kind := range []string{"vibration", "pressure"} { // the second replaces the first
		if err := os.RemoveAll("models"); err != nil {
			t.Fatal(err)
		}
		write(t, "models/machine-01_vibration", read(t, filepath.Join(samples, kind+".pkl")))
		write(t, "models/nobody_else", read(t, filepath.Join(samples, kind+".pkl")))
		publish := []string{"models", "publish", "models", "--pattern", "{device}_{sensor}"}
		expect(t, []string{"2 new and 0 changed would be uploaded", "0 new and 2 changed would be uploaded"}[i], append(publish, "--dry-run")...)
		expect(t, []string{"2 new and 0 changed to upload, 0 the same, 0 bad\n2 uploaded; the app notices at its next tick", "0 new and 2 changed to upload, 0 the same, 0 bad\n2 uploaded; the app notices at its next tick"}[i], publish...)
		expect(t, "0 new and 0 changed to upload, 2 the same, 0 bad", publish...)
	}
	expect(t, "machine-01/vibration.pkl", "models", "list")

	window := []string{"--from", "2026-03-04T11:00:00Z", "--to", "2026-03-04T12:00:00Z"}
	expect(t, "", append([]string{"simulate", "--devices", "1"}, window...)...)
	waitFor(t, out, "1440 readings", func() bool { // all partitions are in once all sensors are known
		stdout, _, _ := command(t, "", nil, "models", "publish", "models", "--pattern", "{device}_{sensor}", "--dry-run")
		return strings.Contains(stdout, "sensors without a model: machine-01/current, machine-01/pressure, machine-01/temperature\n") &&
			strings.Contains(stdout, "models of sensors that are unknown or disabled: nobody/else\n")
	})
	const id = "20260304T110000Z-20260304T120000Z"
	expect(t, id, append([]string{"runs", "open"}, window...)...)
	show := func(want string) {
		t.Helper()
		waitFor(t, out, want, func() bool {
			stdout, _, code := command(t, "", nil, "runs", "show", id)
			return code == 0 && strings.Contains(stdout, "succeeded") && strings.Contains(stdout, want)
		})
	}
	show("machine-01/vibration    scored    360   360 ") // by the model of another kind
	expect(t, "is the previous version again; the app has noticed, and has 2 models in all", "models", "rollback", "machine-01/vibration", "--refresh")
	expect(t, "1 jobs re-opened, 0 added", "runs", "rescore", id, "--sensors", "*/vibration")
	show("machine-01/vibration    scored    360   14 ")
	waitFor(t, out, "the run told", func() bool {
		return strings.Contains(out.String(), id+"  succeeded: 4 sensors, 360 readings, 14 anomalies")
	})

	listed := func(place string) (m listedModel) {
		t.Helper()
		stdout, stderr, code := command(t, "", nil, "models", "list", "--json")
		var list []listedModel
		if err := json.Unmarshal([]byte(stdout), &list); code != 0 || err != nil {
			t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
		}
		i := slices.IndexFunc(list, func(m listedModel) bool { return m.Serves == place })
		if i < 0 {
			t.Fatalf("%s is not listed: %s", place, stdout)
		}
		return list[i]
	}
	if m := listed("machine-01/vibration"); m.Kind != "detector" || m.Since.IsZero() || m.Removed || !m.Previous || len(m.Blobs) != 1 {
		t.Errorf("the model is listed as %+v", m)
	}
	expect(t, "machine-01/vibration.pkl is removed; the app has noticed, and has 1 models in all; fleetscore models rollback puts it back", "models", "remove", "machine-01/vibration", "--refresh")
	if m := listed("machine-01/vibration"); !m.Removed || len(m.Blobs) != 0 || m.Since.IsZero() {
		t.Errorf("the removed model is listed as %+v", m)
	}
	expect(t, "1 jobs re-opened, 0 added", "runs", "rescore", id, "--job", "machine-01/vibration")
	show("machine-01/vibration    no_model")
	expect(t, "has 2 models in all", "models", "rollback", "machine-01/vibration", "--refresh")
	if _, stderr, code := command(t, "", nil, "models", "remove", "machine-01/nothing"); code != 1 || !strings.Contains(stderr, "no model of it is published") {
		t.Errorf("a model that is not there is removed: exit code %d, %s", code, stderr)
	}

	if _, stderr, code := command(t, "", nil, "runs", "cancel", id); code == 0 || !strings.Contains(stderr, "409") {
		t.Errorf("cancel a run that has ended: exit code %d, %s; want a failure with 409", code, stderr)
	}

	if code := stop(); code != 0 || !strings.HasSuffix(out.String(), "\nstopping\n") {
		t.Errorf("exit code %d, want 0, and \"stopping\" at the end of\n%s", code, out.String())
	}
	if _, err := os.Stat(served); err == nil {
		t.Errorf("serve has ended, and its file %s is still there", served)
	}
}

// TestStackEndsWithStorage starts a second stack in the folder of the first, which is
// refused. Then it ends the storage of the first, which ends for that reason.
func TestStackEndsWithStorage(t *testing.T) {
	t.Parallel()
	opt := stackOptions{dist: staged(t), dir: t.TempDir()}
	s, err := startStack(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" { // which has no such lock
		if _, err := startStack(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "another serve uses the folder") {
			t.Errorf("a second stack in the folder: %v, want an error that says that another serve uses it", err)
		}
	}
	ctx, cancel := s.watch(t.Context())
	defer cancel(nil)
	if err := s.storage.Close(); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); cause == nil || !strings.Contains(cause.Error(), "the storage (Azurite) stopped by itself") {
		t.Errorf("the stack ends for %v, want that the storage stopped by itself", cause)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestStackKeeps kills the storage of a stack whose folder is kept. The next stack in the
// folder has its models, predictions and runs.
func TestStackKeeps(t *testing.T) {
	t.Parallel()
	c := console{out: io.Discard, err: io.Discard}
	opt := stackOptions{dist: staged(t), dir: t.TempDir(), settings: map[string]string{"SCORE_SCHEDULE": never}}
	in := simulatedFleet(1, 1)
	start := func() *stack {
		t.Helper()
		s, err := startStack(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.close() })
		return s
	}
	s := start()
	first, err := c.pipeline(t.Context(), io.Discard, s, in, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(s.storage.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.storage.Ended()
	s.close() // which says that the storage is gone

	s = start()
	for _, id := range []string{"machine-01/vibration", "_fleet/machine"} {
		place, err := publish.ParsePlace(id)
		if err != nil {
			t.Fatal(err)
		}
		if published, err := publish.List(t.Context(), s.account.Blobs()); err != nil || published[place] == nil {
			t.Errorf("%s was published before the storage was killed, and is not after it, %v", id, err)
		}
	}
	out := t.TempDir()
	again := report{Run: first.Run, Out: out}
	if again.Jobs, err = s.api.jobs(t.Context(), first.Run.ID, ""); err != nil || len(again.Jobs) != len(first.Jobs) {
		t.Fatalf("%d jobs of %d are left, %v", len(again.Jobs), len(first.Jobs), err)
	}
	if err := again.collect(t.Context(), s.account.Blobs(), in); err != nil {
		t.Fatal(err)
	}
	for _, j := range first.Jobs {
		file := predictionsFile(j.ID)
		if before, after := read(t, filepath.Join(first.Out, file)), read(t, filepath.Join(out, file)); before != after {
			t.Errorf("%s has changed, from\n%.500s\nto\n%.500s", file, before, after)
		}
	}
	var rescored runs.Rescored
	if err := s.api.call(t.Context(), http.MethodPost, "/runs/"+first.Run.ID+"/rescore", nil, runs.RescoreRequest{}, &rescored); err != nil {
		t.Fatal(err)
	}
	if run, err := s.api.wait(t.Context(), first.Run.ID, nil); err != nil || run.State != fleet.RunSucceeded || run.Epoch == first.Run.Epoch {
		t.Errorf("scored again: %+v, %v; want it %s at an epoch after %d", run, err, fleet.RunSucceeded, first.Run.Epoch)
	}
}

// TestServeAsksForKey has an API that wants the key that serve prints.
func TestServeAsksForKey(t *testing.T) {
	dist := staged(t)
	t.Chdir(t.TempDir())
	url, out, stop := serve(t, dist, "--enableAuth")
	var key string
	waitFor(t, out, "key", func() bool {
		_, rest, ok := strings.Cut(out.String(), "\nkey ")
		if ok {
			key = strings.Fields(rest)[0]
		}
		return ok
	})
	waitFor(t, out, "runs list", func() bool {
		_, _, code := command(t, "", nil, "runs", "list", "--url", url, "--key", key)
		return code == 0
	})
	for _, wrong := range []string{"", "wrong"} {
		_, stderr, code := command(t, "", nil, "runs", "list", "--url", url, "--key", wrong)
		if code == 0 || !strings.Contains(stderr, "asks for a function key") {
			t.Errorf("with key %q: exit code %d, %s; want a failure that asks for a function key", wrong, code, stderr)
		}
	}
	stop()
}

// serve starts fleetscore serve without a fleet and without windows that end by
// themselves. stop ends it and returns its exit code.
func serve(t *testing.T, dist string, flags ...string) (url string, out *buffer, stop func() int) {
	t.Helper()
	return serveWith(t, dist, nil, flags...)
}

// serveWith is serve with settings in the environment.
func serveWith(t *testing.T, dist string, settings map[string]string, flags ...string) (url string, out *buffer, stop func() int) {
	t.Helper()
	port, err := loopback.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out = new(buffer)
	ended := make(chan int, 1)
	go func() {
		getenv := func(name string) string { return settings[name] }
		args := append([]string{"serve", "--idle", "--schedule", never, "--dist", dist, "--port", fmt.Sprint(port)}, flags...)
		ended <- run(ctx, args, getenv, strings.NewReader(""), out, out)
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return fmt.Sprintf("http://127.0.0.1:%d", port), out, stop
}

// expect runs a command that succeeds and says want.
func expect(t *testing.T, want string, args ...string) {
	t.Helper()
	stdout, stderr, code := command(t, "", nil, args...)
	if code != 0 || !strings.Contains(stdout, want) {
		t.Fatalf("%s: exit code %d\n%s%s\nwant %s", strings.Join(args, " "), code, stdout, stderr, want)
	}
}

// waitFor waits until ok, for so long that a busy machine is no reason to fail.
func waitFor(t *testing.T, out *buffer, what string, ok func() bool) {
	t.Helper()
	const patience = 5 * time.Minute
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %v:\n%s", what, patience, out)
		}
	}
}

func abs(t *testing.T, name string) string {
	t.Helper()
	name, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
