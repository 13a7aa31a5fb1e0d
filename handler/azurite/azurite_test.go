package azurite_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fleetscore/fleetscore/handler/azurite"
)

// starter is set in a copy of this test's own program that starts an Azurite,
// prints its process id and blob port, and waits to be killed.
const starter = "AZURITE_TEST_STARTER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(starter); kind != "" {
		s, err := azurite.Start(context.Background(), azurite.Options{Detached: kind == "detached"})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.PID, s.BlobPort)
		<-s.Ended()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func answers(port int) bool {
	r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/devstoreaccount1?comp=list", port))
	if err != nil {
		return false
	}
	r.Body.Close()
	return strings.HasPrefix(r.Header.Get("Server"), "Azurite-Blob/")
}

func TestStart(t *testing.T) {
	t.Parallel()
	s, err := azurite.Start(t.Context(), azurite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !answers(s.BlobPort) {
		t.Error("no answer from the blob service")
	}
	for _, port := range []int{s.BlobPort, s.QueuePort, s.TablePort} {
		if want := fmt.Sprintf("http://127.0.0.1:%d/devstoreaccount1", port); !strings.Contains(s.ConnectionString, want) {
			t.Errorf("%s is not in the connection string", want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if answers(s.BlobPort) {
		t.Error("it still answers after Close")
	}
}

// TestParentKilled kills a program that has started an Azurite: that goes too,
// unless it was detached.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"attached", "detached"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), starter+"="+kind)
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			var pid, port int
			if _, err := fmt.Sscan(line, &pid, &port); err != nil {
				t.Fatalf("the starter printed %q", line)
			}
			parent.Process.Kill()
			parent.Wait()
			if kind == "detached" {
				if !answers(port) {
					t.Error("it is gone with its parent")
				}
				syscall.Kill(pid, syscall.SIGKILL)
				return
			}
			for answers(port) { // the test's deadline ends this if it stays
				if t.Context().Err() != nil {
					t.Fatal("it outlives its parent")
				}
			}
		})
	}
}

func TestDirKeepsData(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "__azurite_db_blob__.json")); err != nil {
		t.Error(err)
	}
}

// TestRemedies lacks in turn what Azurite needs, and looks for the remedy in
// the error.
func TestRemedies(t *testing.T) {
	old := t.TempDir()
	for _, name := range []string{"node", "npm"} {
		if err := os.WriteFile(filepath.Join(old, name), []byte("#!/bin/sh\necho v18.20.0\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, path, home, want string }{
		{"no home", os.Getenv("PATH"), "", "set HOME or XDG_CACHE_HOME"},
		{"no node", t.TempDir(), t.TempDir(), "install Node.js 20 or later"},
		{"old node", old, t.TempDir(), "node is v18.20.0: install Node.js 20 or later"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PATH", c.path)
			t.Setenv("HOME", c.home)
			t.Setenv("XDG_CACHE_HOME", "")
			if _, err := azurite.Start(t.Context(), azurite.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestInstallOnce starts two Azurites at once with an npm that only counts:
// the second finds what the first has installed.
func TestInstallOnce(t *testing.T) {
	bin, cache := t.TempDir(), t.TempDir()
	calls := filepath.Join(bin, "calls")
	script := "#!/bin/sh\necho x >>" + calls + "\nsleep 0.2\n"
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := azurite.Start(t.Context(), azurite.Options{CacheDir: cache}); err == nil {
				t.Error("it started without having been installed")
			}
		})
	}
	wg.Wait()
	if got, err := os.ReadFile(calls); err != nil || string(got) != "x\n" {
		t.Errorf("npm ran %q times, %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "installing-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestLockNamesNoRegistry checks that the lock file pins every package by its content, and
// names no registry.
func TestLockNamesNoRegistry(t *testing.T) {
	content, err := os.ReadFile("npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Resolved, Integrity string
			Link                bool
		}
	}
	if err := json.Unmarshal(content, &lock); err != nil {
		t.Fatal(err)
	}
	for name, p := range lock.Packages {
		if strings.Contains(p.Resolved, "://") {
			t.Errorf("%s is resolved to %s", name, p.Resolved)
		}
		if strings.HasPrefix(name, "node_modules/") && !p.Link && p.Integrity == "" {
			t.Errorf("%s is not pinned by its content", name)
		}
	}
}
