// Package e2e_test runs the whole pipeline on real parts: the real binary,
// driven by devhost over the real protocol, with Azurite and SQLite. devhost
// runs in a process of its own, a copy of this test, so that it can be killed.
package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	if options := os.Getenv(hostOptions); options != "" {
		os.Exit(runHost(options))
	}
	code := m.Run()
	os.RemoveAll(staging)
	os.Exit(code)
}

// staging is the folder of what is staged, a temporary one once there is any.
var staging string

// dist stages the application as it is deployed.
var dist = sync.OnceValues(func() (string, error) { return stage() })

// clockDist is dist with a handler that reads its clock from the file E2E_CLOCK
// and is the same in all else. Time namespaces leave the real-time clock alone,
// and a static binary can't be preloaded: so one file is replaced in the build.
var clockDist = sync.OnceValues(func() (string, error) {
	from, err := filepath.Abs("../app/clock.go")
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs("testdata/clock.go")
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {from: to}})
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "overlay-*.json")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(overlay); err != nil {
		return "", err
	}
	return stage("-overlay", f.Name())
})

var stagingMu sync.Mutex

// stage builds the handler with these flags beside the usual ones, and copies
// host.json and the functions beside it.
func stage(flags ...string) (dir string, err error) {
	stagingMu.Lock()
	defer stagingMu.Unlock()
	if staging == "" {
		if staging, err = os.MkdirTemp("", "staging-"); err != nil {
			return "", err
		}
	}
	if dir, err = os.MkdirTemp(staging, "dist-"); err != nil {
		return "", err
	}
	args := append([]string{"build", "-trimpath", "-o", filepath.Join(dir, "handler")}, flags...)
	build := exec.Command("go", append(args, "../cmd/handler")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the handler: %w: %s", err, out)
	}
	if err := os.CopyFS(dir, os.DirFS("../../functions")); err != nil {
		return "", err
	}
	host, err := os.ReadFile("../../host.json")
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "host.json"), host, 0o644)
}
