package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

const repository = "../../.."

// stage builds the application as make build does, once for all tests.
var stage = sync.OnceValues(func() (string, error) {
	dist, err := os.MkdirTemp("", "fleetscore-dist-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dist, os.DirFS(filepath.Join(repository, "functions"))); err != nil {
		return "", err
	}
	host, err := os.ReadFile(filepath.Join(repository, "host.json"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dist, "host.json"), host, 0o644); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dist, "handler"), "../handler")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return dist, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dist, err := stage(); err == nil {
		os.RemoveAll(dist)
	}
	os.Exit(code)
}

func staged(t *testing.T) string {
	t.Helper()
	dist, err := stage()
	if err != nil {
		t.Fatal(err)
	}
	return dist
}

// command runs a command line with settings, and returns what came out.
func command(t testing.TB, stdin string, settings map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return commandContext(t.Context(), stdin, settings, args...)
}

func commandContext(ctx context.Context, stdin string, settings map[string]string, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(ctx, args, func(name string) string { return settings[name] }, bytes.NewBufferString(stdin), &out, &errs)
	return out.String(), errs.String(), code
}
