// Package goldenfile reads the goldens of tests in testdata. Most are gzip files of JSON that a
// script beside them wrote, with what a library gave. Others are files of JSON lines.
package goldenfile

import (
	"bytes"
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

// Lines reads a file of JSON lines, and calls check for each. If update is true, it then writes the
// lines again, as check left them. Fewer lines than least are an error.
func Lines[E any](t testing.TB, file string, least int, update bool, check func(e *E)) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	lines := json.NewEncoder(&written)
	lines.SetEscapeHTML(false)
	n := 0
	for line := range bytes.Lines(content) {
		n++
		var e E
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s, line %d: %v", file, n, err)
		}
		check(&e)
		if err := lines.Encode(e); err != nil {
			t.Fatalf("%s, line %d: %v", file, n, err)
		}
	}
	if n < least {
		t.Errorf("%s has %d lines, want at least %d", file, n, least)
	}
	if update {
		if err := os.WriteFile(file, written.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
