package pack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

const root = "../../.."

// TestPackage builds the same commit in two clones: one as Git for Windows makes
// them, without history, and with a file that is no source.
func TestPackage(t *testing.T) {
	here := copySources(t)
	git(t, here, "init", "--quiet")
	git(t, here, "add", ".")
	git(t, here, "commit", "--quiet", "--message", "all")
	git(t, here, "commit", "--quiet", "--message", "none", "--allow-empty")
	git(t, here, "tag", "v9.9.9")
	commit := git(t, here, "rev-parse", "HEAD")

	there := filepath.Join(t.TempDir(), "clone")
	git(t, here, "clone", "--quiet", "--depth=1", "--no-tags", "--config=core.autocrlf=true", "file://"+filepath.ToSlash(here), there)
	if err := os.WriteFile(filepath.Join(there, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	one, two := build(t, here), build(t, there)
	if one.Name() != two.Name() {
		t.Errorf("the same commit gives %s and, elsewhere, %s", one.Name(), two.Name())
	}
	checkEntries(t, one, commit)

	if err := os.WriteFile(filepath.Join(there, "handler", "new.go"), []byte("package handler\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Commit(t.Context(), there); err != nil || got != commit+"-dirty" {
		t.Errorf("with another source the commit is %q, %v", got, err)
	}
	if got, err := Commit(t.Context(), t.TempDir()); err != nil || got != "" {
		t.Errorf("without a repository the commit is %q, %v", got, err)
	}
}

// git runs git in a folder, by no one's settings, and returns what it says.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func build(t *testing.T, root string) Package {
	t.Helper()
	p, err := Build(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func checkEntries(t *testing.T, p Package, commit string) {
	t.Helper()
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
		if f.Name == "handler" {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(in)
			if err != nil || !bytes.Contains(content, []byte(commit)) {
				t.Errorf("the handler does not hold the commit %s: %v", commit, err)
			}
		}
	}
}

// copySources copies what is built to a folder elsewhere.
func copySources(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "handler", "functions", "go.mod", "go.sum", "host.json", ".gitattributes")
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
