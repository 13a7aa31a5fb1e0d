package azurite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed npm
var embedded embed.FS

// oldestNode is the oldest Node that runs the pinned Azurite, whatever its
// package.json says.
const oldestNode = 20

// install installs the pinned Azurite in the folder cache, unless it is there, and returns its
// folder. The folder's name has the hash of the embedded files. The folder is made in one step, so
// it is always complete.
func install(ctx context.Context, cache string) (string, error) {
	files, err := fs.Sub(embedded, "npm")
	if err != nil {
		return "", err
	}
	sum, err := hash(files)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "azurite-"+sum[:12])
	if installed(dir) {
		return dir, nil
	}
	if err := checkNode(ctx); err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("azurite: make the cache directory: %w", err)
	}
	unlock, err := lock(filepath.Join(cache, "azurite.lock"))
	if err != nil {
		return "", fmt.Errorf("azurite: lock the cache directory: %w", err)
	}
	defer unlock()
	if installed(dir) { // another process installed it while this one waited
		return dir, nil
	}
	return dir, fetch(ctx, files, dir)
}

func installed(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "package.json"))
	return err == nil
}

// fetch runs npm ci in a folder beside dir, and renames that to dir.
func fetch(ctx context.Context, files fs.FS, dir string) error {
	temp, err := os.MkdirTemp(filepath.Dir(dir), "installing-")
	if err != nil {
		return fmt.Errorf("azurite: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(temp, files); err != nil {
		return fmt.Errorf("azurite: %w", err)
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--omit=dev", "--omit=optional", "--ignore-scripts",
		"--engine-strict=false", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = temp
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("azurite: install with npm ci: %w: %s; it needs the npm registry once, or npm's cache", err, lastLines(out, 5))
	}
	if err := os.Rename(temp, dir); err != nil && !installed(dir) {
		return fmt.Errorf("azurite: %w", err)
	}
	return nil
}

// checkNode returns an error if Node.js or npm is missing or too old.
func checkNode(ctx context.Context) error {
	remedy := fmt.Sprintf("install Node.js %d or later, which brings npm, and have both in PATH", oldestNode)
	if _, err := exec.LookPath("npm"); err != nil {
		return fmt.Errorf("azurite: npm not found: %s", remedy)
	}
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("azurite: node not found: %s", remedy)
	}
	if err != nil {
		return fmt.Errorf("azurite: node --version: %w: %s", err, remedy)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		return fmt.Errorf("azurite: node is %s: %s", version, remedy)
	}
	return nil
}

// hash returns the SHA-256 of the names and contents of files, in hex.
func hash(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(content), content)
		return err
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// lastLines returns the last n lines of out.
func lastLines(out []byte, n int) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
