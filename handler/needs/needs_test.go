package needs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// enter creates a repository in a new folder, with or without the folder shared beside it, and makes it
// the working directory. It sets the environment, and returns the file that SKIPPED names.
func enter(t *testing.T, data bool, env map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	folders := []string{"repo/below"}
	if data {
		folders = append(folders, "shared/facts")
	}
	for _, f := range folders {
		if err := os.MkdirAll(filepath.Join(dir, f), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "repo", "go.mod"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "repo", "below"))
	list := filepath.Join(dir, "skipped")
	for _, name := range []string{"CI", "REQUIRE_TOOLS", "TEST_SQLSERVER_DSN", "FLEETSCORE_PYTHON"} {
		t.Setenv(name, env[name])
	}
	if path, ok := env["PATH"]; ok {
		t.Setenv("PATH", path)
	}
	t.Setenv("SKIPPED", list)
	return list
}

// outcome is a test that records how it ended.
type outcome struct {
	testing.TB
	failed, skipped bool
}

func (o *outcome) Helper() {}
func (o *outcome) Fatalf(string, ...any) {
	o.failed = true
	panic(o)
}
func (o *outcome) Skip(...any) {
	o.skipped = true
	panic(o)
}

// try calls f, and returns how the test ended.
func try(t *testing.T, f func(testing.TB)) *outcome {
	o := &outcome{TB: t}
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(o) {
				panic(v)
			}
		}()
		f(o)
	}()
	return o
}

// TestNeeds checks which missing things skip a test, and which fail it.
func TestNeeds(t *testing.T) {
	tool := func(t testing.TB) { Tool(t, "no-such-tool", "there is none") }
	sql := func(t testing.TB) { SQLServer(t) }
	facts := func(t testing.TB) { Shared(t, "facts") }
	python := func(t testing.TB) { Python(t, "no_such_package==1.0") }
	for _, c := range []struct {
		name    string
		data    bool
		env     map[string]string
		need    func(testing.TB)
		failed  bool
		skipped bool
	}{
		{"a tool", true, nil, tool, false, true},
		{"a tool in CI", true, map[string]string{"CI": "true"}, tool, true, false},
		{"a tool in CI without the data", false, map[string]string{"CI": "true"}, tool, false, true},
		{"a required tool", false, map[string]string{"REQUIRE_TOOLS": "1"}, tool, true, false},
		{"SQL Server in CI", true, map[string]string{"CI": "true", "REQUIRE_TOOLS": "1"}, sql, false, true},
		{"SQL Server that is there", true, map[string]string{"TEST_SQLSERVER_DSN": "sqlserver://h"}, sql, false, false},
		{"a Python in CI, and none to install into", true, map[string]string{"CI": "true", "PATH": ""}, python, false, true},
		{"a Python that is named", false, map[string]string{"FLEETSCORE_PYTHON": "true"}, python, false, false},
		{"data", false, map[string]string{"CI": "true"}, facts, false, true},
		{"data that is there", true, nil, facts, false, false},
		{"else", false, nil, func(t testing.TB) { Missing(t, "no git") }, false, true},
		{"else in CI", true, map[string]string{"CI": "true"}, func(t testing.TB) { Missing(t, "no git") }, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := enter(t, c.data, c.env)
			got := try(t, c.need)
			if got.failed != c.failed || got.skipped != c.skipped {
				t.Errorf("got failed %v, skipped %v; want %v, %v", got.failed, got.skipped, c.failed, c.skipped)
			}
			text, _ := os.ReadFile(list)
			if strings.Contains(string(text), t.Name()) != c.skipped {
				t.Errorf("skipped %v, but the list of skipped tests is %q", c.skipped, text)
			}
		})
	}
}
