// Package needs is for tests that need what not every machine has: a tool, a
// server, the data beside the repository.
//
// Where that is missing the test is skipped, and never in silence: a line goes to
// the file that SKIPPED names, which make test prints at its end. With CI=true
// where the data is at hand, and with REQUIRE_TOOLS=1, such a test fails; only
// SQL Server may be missing then.
package needs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Shared returns the path of a file or folder of the data beside the repository,
// given by its path in there. It is not part of the project: what the project
// promises is tested without it.
func Shared(t testing.TB, path string) string {
	t.Helper()
	full := filepath.Join(shared(t), filepath.FromSlash(path))
	_, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		skip(t, false, fmt.Sprintf("the data ../shared/%s is not beside the repository", path))
	case err != nil:
		t.Fatal(err)
	}
	return full
}

// Tool returns the path of a program on PATH. The remedy says how to get it.
func Tool(t testing.TB, name, remedy string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, strict(t), fmt.Sprintf("%s is not on PATH: %s", name, remedy))
	}
	return path
}

// SQLServer returns the DSN of the server that TEST_SQLSERVER_DSN names: any
// database on which the login may create schemas and tables.
func SQLServer(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("TEST_SQLSERVER_DSN")
	if dsn == "" {
		skip(t, false, "no SQL Server: set TEST_SQLSERVER_DSN=sqlserver://user:password@host?database=name")
	}
	return dsn
}

// SQLServerCannot skips the test because the server that is named lacks
// something, such as identities, which only Azure SQL knows.
func SQLServerCannot(t testing.TB, reason string) {
	t.Helper()
	skip(t, false, reason)
}

// Missing skips the test for another reason, which may not occur where
// everything is at hand.
func Missing(t testing.TB, reason string) {
	t.Helper()
	skip(t, strict(t), reason)
}

// strict reports whether nothing may be missing.
func strict(t testing.TB) bool {
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		return true
	}
	_, err := os.Stat(shared(t))
	return os.Getenv("CI") == "true" && err == nil
}

// shared returns where the data would be: beside the folder that holds go.mod.
func shared(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared")
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func skip(t testing.TB, fail bool, reason string) {
	t.Helper()
	if fail {
		t.Fatalf("this test may not be skipped here: %s", reason)
	}
	if name := os.Getenv("SKIPPED"); name != "" {
		list, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(list, "%s: %s\n", t.Name(), reason)
		if err := errors.Join(err, list.Close()); err != nil {
			t.Fatal(err)
		}
	}
	t.Skip(reason)
}
