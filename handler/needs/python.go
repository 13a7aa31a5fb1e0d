package needs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Python returns a Python that can import each of these packages, given as pip
// takes them: pandas==3.1.1. It is the one that FLEETSCORE_PYTHON names, python3
// on PATH, or, where everything is wanted, one in the user's cache, into which pip
// puts them. Of the first two any version will do.
//
// Where there is none the test is skipped, everywhere: that is told at the end like
// all else.
func Python(t testing.TB, packages ...string) string {
	t.Helper()
	for _, name := range []string{os.Getenv("FLEETSCORE_PYTHON"), "python3"} {
		if name != "" && imports(t, name, packages) {
			return name
		}
	}
	reason := fmt.Sprintf("no Python with %s: install them with pip, and name that Python in FLEETSCORE_PYTHON", strings.Join(packages, ", "))
	if strict(t) {
		name, err := environment(t, packages)
		if err == nil {
			return name
		}
		reason += fmt.Sprintf("; pip could not do it here: %.300v", err)
	}
	skip(t, false, reason)
	return ""
}

func imports(t testing.TB, python string, packages []string) bool {
	var modules []string
	for _, p := range packages {
		module, _, _ := strings.Cut(p, "==")
		modules = append(modules, module)
	}
	return exec.CommandContext(t.Context(), python, "-c", "import "+strings.Join(modules, ", ")).Run() == nil
}

// environment returns the Python of an environment with these packages in the
// user's cache, which it makes if it is not there.
func environment(t testing.TB, packages []string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "fleetscore", "python-"+strings.Join(packages, "-"))
	python := filepath.Join(dir, "bin", "python")
	if imports(t, python, packages) {
		return python, nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	install := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--only-binary", ":all:"}, packages...)
	for _, command := range [][]string{{"python3", "-m", "venv", "--clear", dir}, append([]string{python}, install...)} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", strings.Join(command[:3], " "), err, out)
		}
	}
	return python, nil
}
