// Package e2e_test runs the whole pipeline on real parts: the real binary,
// driven by devhost over the real protocol, with Azurite and SQLite. devhost
// runs in a process of its own, a copy of this test, so that it can be killed.
package e2e_test

import (
	"bytes"
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
	if dir, err := dist(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// dist stages the application as it is deployed, but for one setting of
// host.json: what failed comes again after a second, not after a minute.
var dist = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dist-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "handler"), "../cmd/handler")
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
	soon := bytes.Replace(host, []byte(`"visibilityTimeout": "00:01:00"`), []byte(`"visibilityTimeout": "00:00:01"`), 1)
	if bytes.Equal(soon, host) {
		return "", fmt.Errorf("host.json has another visibilityTimeout than 00:01:00")
	}
	return dir, os.WriteFile(filepath.Join(dir, "host.json"), soon, 0o644)
})
