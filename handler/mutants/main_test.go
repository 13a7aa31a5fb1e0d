package main

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestTry plants faults in a small module: one that its tests notice, one that they do not, and one
// whose text is not there. Afterwards the module must be as before.
func TestTry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const code = "package p\n\nfunc Two() int { return 2 }\n\nfunc Unseen() int { return 3 }\n"
	for name, text := range map[string]string{
		"go.mod":              "module m\n\ngo 1.26\n",
		"handler/p/p.go":      code,
		"handler/p/p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestTwo(t *testing.T) {\n\tif Two() != 2 {\n\t\tt.Fail()\n\t}\n}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		old     string
		noticed bool
		says    string
	}{
		{"return 2", true, ""},
		{"return 3", false, ""},
		{"return 4", false, "plant the fault anew"},
	} {
		noticed, err := fault{File: "p/p.go", Old: c.old, New: "return 5", Packages: []string{"p"}}.try(dir)
		if noticed != c.noticed || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: got %v, %v; want %v, %q", c.old, noticed, err, c.noticed, c.says)
		}
		if now, err := os.ReadFile(filepath.Join(dir, "handler", "p", "p.go")); err != nil || string(now) != code {
			t.Errorf("%q: the code is now %q, %v; want it unchanged", c.old, now, err)
		}
	}
}

// TestList checks that each fault has a unique name, changes something, and has a text that occurs once
// in its file.
func TestList(t *testing.T) {
	t.Parallel()
	var faults []fault
	if err := json.Unmarshal(list, &faults); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range faults {
		if f.ID == "" || seen[f.ID] || f.Old == f.New || len(f.Packages) == 0 || f.Packages[0] != path.Dir(f.File) {
			t.Errorf("fault %q: needs a name of its own, two texts and packages, the first of them the file's", f.ID)
		}
		seen[f.ID] = true
		if code, err := os.ReadFile(filepath.Join("..", f.File)); err == nil && strings.Count(string(code), f.Old) != 1 {
			t.Errorf("fault %s: its text stands %d times in %s, and must stand once: plant it anew", f.ID, strings.Count(string(code), f.Old), f.File)
		}
		for _, place := range append(f.Packages, f.File) {
			if _, err := os.Stat(filepath.Join("..", place)); err != nil {
				t.Errorf("fault %s: %v", f.ID, err)
			}
		}
	}
}
