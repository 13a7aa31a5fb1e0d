// Package goldenfile reads the goldens of tests: gzip files in testdata, of JSON that a
// script beside them wrote with what a library gave.
package goldenfile

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Open returns the unzipped content of a gzip file, until the test ends. A file that
// cannot be opened ends the test.
func Open(t testing.TB, file string) io.Reader {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(file, err)
	}
	return z
}

// Read returns the JSON in a gzip file. A file that does not hold a T ends the test.
func Read[T any](t testing.TB, file string) (v T) {
	t.Helper()
	if err := json.NewDecoder(Open(t, file)).Decode(&v); err != nil {
		t.Fatal(file, err)
	}
	return v
}

// ReadAll returns what [Read] does of each file that matches the pattern of
// [filepath.Glob], in the order of their names. Fewer files than least end the test.
func ReadAll[T any](t testing.TB, pattern string, least int) (all []T) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < least {
		t.Fatalf("%d files are named %s, want %d or more; %v", len(files), pattern, least, err)
	}
	for _, file := range files {
		all = append(all, Read[T](t, file))
	}
	return all
}
