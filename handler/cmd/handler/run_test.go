package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fleetscore/fleetscore/handler/loopback"
	"github.com/fleetscore/fleetscore/handler/version"
)

// binary builds the handler as it is deployed, with a made-up commit.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "handler-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "handler")
	build := exec.Command("go", "build", "-ldflags=-X github.com/fleetscore/fleetscore/handler/version.commit=0123abcd", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func freePort(t testing.TB) string {
	t.Helper()
	port, err := loopback.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// start starts the binary with a database of its own. Nobody answers at the address of its
// storage.
func start(t testing.TB, port string, more ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "FUNCTIONS_CUSTOMHANDLER_PORT="+port, "SQL_DSN=file:"+filepath.Join(t.TempDir(), "fleet.db"),
		"DataStorage=BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;SharedAccessSignature=sv=1")
	cmd.Env = append(cmd.Env, more...)
	cmd.Stdout = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// awaitReady asks GET / as the host does, until it is answered. It gives up after five
// minutes: the process may not have got its port.
func awaitReady(t testing.TB, port string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); ; {
		r, err := http.Get("http://127.0.0.1:" + port + "/")
		if err == nil {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("GET / was not answered within five minutes: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestVersion asks the file and a running process which version they are.
func TestVersion(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	want := "handler " + version.Version + " (commit 0123abcd)\n"
	if out, err := exec.Command(path, "--version").CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
	port := freePort(t)
	start(t, port)
	awaitReady(t, port)
	resp, err := http.Get("http://127.0.0.1:" + port + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := `{"status":"ok","version":"` + version.Version + `","commit":"0123abcd"}`; err != nil || string(body) != want {
		t.Errorf("%s, %v; want %s", body, err, want)
	}
}

func TestEndsWithAnError(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	cmd := start(t, port)
	awaitReady(t, port)
	cmd.Process.Signal(os.Interrupt)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("a serving process that is interrupted ends with %v; 0 would mean that it is not wanted again", err)
	}
}

// TestMistakes starts the binary wrongly. It says on stderr what is wrong, and exits with 1.
func TestMistakes(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, takenPort, _ := net.SplitHostPort(taken.Addr().String())
	for _, c := range []struct {
		env  []string
		want []string
	}{
		{nil, []string{"FUNCTIONS_CUSTOMHANDLER_PORT", "func start"}},
		{[]string{"FUNCTIONS_CUSTOMHANDLER_PORT=" + takenPort}, []string{"listen", "in use"}},
		{[]string{"FUNCTIONS_CUSTOMHANDLER_PORT=0", "SCORE_DELAY=x", "SCORE_SCHEDULE=x", "HOME=/h"}, []string{"SCORE_DELAY", "SCORE_SCHEDULE"}},
		{[]string{"FUNCTIONS_CUSTOMHANDLER_PORT=0", "WEBSITE_INSTANCE_ID=1"}, []string{"SQL_DSN", "DataStorage"}},
	} {
		cmd := exec.Command(path)
		cmd.Env = c.env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%v: %v, want exit code 1", c.env, err)
		}
		for _, want := range c.want {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%v: %q is not in %s", c.env, want, &stderr)
			}
		}
	}
}

// TestOrphan kills the parent of a handler. The handler ends by itself.
func TestOrphan(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	// The shell is the host: it starts the handler and waits for it.
	host := exec.Command("sh", "-c", path+" & wait")
	host.Env = append(os.Environ(), "FUNCTIONS_CUSTOMHANDLER_PORT="+port, "SQL_DSN=file:"+filepath.Join(t.TempDir(), "fleet.db"))
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, port)
	host.Process.Kill()
	host.Wait()
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond) // if the handler stays, the deadline of the tests ends this
	}
}

func TestWatchParent(t *testing.T) {
	t.Parallel()
	var parent atomic.Int32
	parent.Store(7)
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := make(chan struct{}, 1)
	go watchParent(ctx, 7, func() int {
		select {
		case asked <- struct{}{}:
		default:
		}
		return int(parent.Load())
	}, time.Millisecond, cancel)
	<-asked
	<-asked
	if ctx.Err() != nil {
		t.Errorf("the parent is there, and yet the handler ends: %v", context.Cause(ctx))
	}
	parent.Store(1)
	<-ctx.Done()
}

// TestNobodyAsks serves, and no request comes. Serving ends with an error.
func TestNobodyAsks(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	first := &firstRequest{next: http.NotFoundHandler(), came: make(chan struct{})}
	go first.await(ctx, time.Millisecond, cancel)
	err = serve(ctx, listener, first, log.New(io.Discard, "", 0))
	if !errors.Is(err, errStopped) || !strings.Contains(err.Error(), "no host has sent") {
		t.Errorf("a handler that nobody asks ends with %v, want that no host has sent a request", err)
	}
}

// TestSomebodyAsks sends two requests an hour apart. Serving goes on after them.
func TestSomebodyAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		first := &firstRequest{next: http.NotFoundHandler(), came: make(chan struct{})}
		go first.await(ctx, patience, cancel)
		time.Sleep(patience - time.Millisecond)
		for range 2 {
			first.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			time.Sleep(time.Hour)
		}
		if ctx.Err() != nil {
			t.Errorf("a request came, and yet serving ended: %v", context.Cause(ctx))
		}
	})
}

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  int64
	}{
		{map[string]string{}, 0},
		{map[string]string{"/proc/meminfo": "MemTotal:        3670016 kB\nMemFree: 1 kB\n"}, 3584 << 20},
		{map[string]string{"/proc/meminfo": "MemTotal: 8388608 kB\n", "/sys/fs/cgroup/memory.max": "max\n"}, 8 << 30},
		{map[string]string{"/proc/meminfo": "MemTotal: 8388608 kB\n", "/sys/fs/cgroup/memory.max": "1073741824\n"}, 1 << 30},
		{map[string]string{"/proc/meminfo": "MemTotal: 8388608 kB\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8 << 30},
	} {
		got := memory(func(name string) ([]byte, error) {
			if content, ok := c.files[name]; ok {
				return []byte(content), nil
			}
			return nil, os.ErrNotExist
		})
		if got != c.want {
			t.Errorf("%v: %d, want %d", c.files, got, c.want)
		}
	}
	before, percent := debug.SetMemoryLimit(math.MaxInt64), debug.SetGCPercent(100)
	defer func() {
		debug.SetMemoryLimit(before)
		debug.SetGCPercent(percent)
	}()
	limitMemory(func(string) string { return "2GiB" })
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("GOMEMLIMIT is set, and %d was put in its place", got)
	}
	limitMemory(func(string) string { return "" })
	if got := debug.SetMemoryLimit(-1); got == math.MaxInt64 {
		t.Error("there is no limit")
	}
	if got := debug.SetGCPercent(100); got != collectAt {
		t.Errorf("garbage is collected at %d per cent", got)
	}
	limitMemory(func(name string) string { return map[string]string{"GOGC": "50"}[name] })
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC is set, and %d was put in its place", got)
	}
}
