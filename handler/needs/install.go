package needs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// installTime bounds how long a program is looked for elsewhere than on this machine.
const installTime = 5 * time.Minute

// Chromium returns the path of a Chromium or Chrome. Where everything is wanted and
// PATH has none, it is installed: by apt for root, else by Playwright into the user's
// cache. A machine that can have none skips the test, everywhere: that is told at the
// end like all else.
func Chromium(t testing.TB) string {
	t.Helper()
	if path := chromium(); path != "" {
		return path
	}
	if strict(t) {
		if err := install(t); err != nil {
			t.Logf("Chromium could not be installed: %v", err)
		}
	}
	path := chromium()
	if path == "" {
		skip(t, false, "no Chromium on PATH: install chromium or google-chrome, or npx playwright install --with-deps chromium")
	}
	return path
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	for _, pattern := range []string{"chromium-*/chrome-linux*/chrome", "chromium_headless_shell-*/*/headless_shell"} {
		if found, _ := filepath.Glob(filepath.Join(cache, "ms-playwright", pattern)); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}

func install(t testing.TB) error {
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	if _, err := exec.LookPath("apt-get"); err == nil && os.Geteuid() == 0 {
		out, err := exec.CommandContext(ctx, "sh", "-c", "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium").CombinedOutput()
		if err == nil {
			return nil
		}
		t.Logf("apt-get: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	out, err := exec.CommandContext(ctx, "npx", "--yes", "playwright@1.49.1", "install", "chromium").CombinedOutput()
	if err != nil {
		return fmt.Errorf("npx playwright install chromium: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	return nil
}

// NPM returns the path of a file in a package of npm, such as axe-core@4.10.2,
// which is kept in the user's cache. Without npm or its registry the test is skipped.
func NPM(t testing.TB, name, version, file string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		skip(t, false, "the user has no cache: "+err.Error())
	}
	dir := filepath.Join(cache, "fleetscore", name+"-"+version)
	path := filepath.Join(dir, "node_modules", name, filepath.FromSlash(file))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", name+"@"+version).CombinedOutput()
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		skip(t, false, fmt.Sprintf("%s@%s is not to be had from npm: %v: %.300s", name, version, err, out))
	}
	return path
}
