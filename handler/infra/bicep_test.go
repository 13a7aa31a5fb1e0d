package infra

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// bicep is the Bicep CLI with an environment that names nothing of Azure. The CLI
// leaves a profile in TMPDIR, which ends with the test here.
func bicep(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path := needs.Tool(t, "bicep", "install the Bicep CLI, by az bicep install or from its releases")
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(withoutAzure(os.Environ()), "TMPDIR="+t.TempDir())
	return cmd
}

// TestLint holds that the templates give no error and no warning: a wrong
// property of a resource is only a warning.
func TestLint(t *testing.T) {
	if out, err := bicep(t, "lint", filepath.Join(dir, "main.bicep")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSnapshotsAreCurrent evaluates each shape anew. To renew a snapshot:
// bicep snapshot --mode overwrite, with the same arguments.
func TestSnapshotsAreCurrent(t *testing.T) {
	for _, shape := range shapes {
		t.Run(filepath.Base(shape), func(t *testing.T) {
			t.Parallel()
			cmd := bicep(t, "snapshot", filepath.Join(dir, shape+".bicepparam"), "--mode", "validate",
				"--subscription-id", "00000000-0000-0000-0000-000000000001", "--location", "westeurope")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// withoutAzure drops what the parameter files would read.
func withoutAzure(env []string) []string {
	var rest []string
	for _, v := range env {
		if !strings.HasPrefix(v, "AZURE_") && !strings.HasPrefix(v, "FLEETSCORE_") && !strings.HasPrefix(v, "APP_PACKAGE=") {
			rest = append(rest, v)
		}
	}
	return rest
}

// TestDescriptions holds that every parameter and output says what it is.
func TestDescriptions(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^(param|output) (\w+)`)
	decorated := regexp.MustCompile(`(?m)^@description\('.+'\)\n(?:@\w+\(.*\)\n)*(param|output) (\w+)`)
	files := 0
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".bicep" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		described := map[string]bool{}
		for _, m := range decorated.FindAllStringSubmatch(string(text), -1) {
			described[m[2]] = true
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			if !described[m[2]] {
				t.Errorf("%s: %s %s has no description", path, m[1], m[2])
			}
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Fatalf("%d files: %v", files, err)
	}
}
