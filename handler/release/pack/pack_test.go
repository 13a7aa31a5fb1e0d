package pack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

const root = "../../.."

// TestPackage builds the same sources in two folders.
func TestPackage(t *testing.T) {
	here := copySources(t)
	there := t.TempDir()
	if err := os.CopyFS(there, os.DirFS(here)); err != nil {
		t.Fatal(err)
	}
	windows(t, there)
	one, two := build(t, here), build(t, there)
	if one.Name() != two.Name() {
		t.Errorf("the same sources give %s and, elsewhere, %s", one.Name(), two.Name())
	}
	checkEntries(t, one)
}

func build(t *testing.T, root string) Package {
	t.Helper()
	p, err := Build(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// windows ends the lines of texts as a checkout on Windows may.
func windows(t *testing.T, root string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "functions", "*", "function.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join(root, "host.json")) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func checkEntries(t *testing.T, p Package) {
	r, err := zip.NewReader(bytes.NewReader(p.Zip), int64(len(p.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{"host.json": 0o644, "handler": 0o755}
	for _, name := range p.Functions {
		want[name+"/function.json"] = 0o644
	}
	if len(p.Functions) < 6 || len(r.File) != len(want) {
		t.Errorf("%d entries, functions %v", len(r.File), p.Functions)
	}
	for _, f := range r.File {
		// Creator 3 is Unix: with another the mode does not count.
		if f.Mode() != want[f.Name] || f.CreatorVersion>>8 != 3 {
			t.Errorf("%s: mode %v, creator %d", f.Name, f.Mode(), f.CreatorVersion>>8)
		}
	}
}

// copySources copies what is built to a folder elsewhere.
func copySources(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "handler", "functions", "go.mod", "go.sum", "host.json")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		needs.Missing(t, fmt.Sprintf("git lists no files here: %v", err))
	}
	for _, name := range strings.Fields(string(out)) {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // deleted, but not yet in the index
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestCheckBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for name, binary := range map[string][]byte{"a script": []byte("#!/bin/sh\n"), "nothing": nil, "half a binary": content[:50]} {
		if checkBinary(binary) == nil {
			t.Errorf("%s passes", name)
		}
	}
}
