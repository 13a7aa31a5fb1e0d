package handler

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// skipping finds tests that skip for a reason. Fuzz targets skip an input with
// no reason, which is no gap.
var skipping = regexp.MustCompile(`\b[tb]\.(Skip\([^)]|Skipf|SkipNow)`)

// TestSkips holds that every test which skips says so in the list of make test:
// by package needs. The exceptions run there too, for longer or in a benchmark.
func TestSkips(t *testing.T) {
	t.Parallel()
	exceptions := map[string]bool{"cmd/handler/fleet_bench_test.go": true}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasPrefix(file, "needs/") || file == "skips_test.go" {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(content), "../shared") {
			t.Errorf("%s: the data beside the repository is found by package needs only", file)
		}
		if found := skipping.Find(content); found != nil && !exceptions[file] {
			t.Errorf("%s: %s skips in silence: skip by package needs", file, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
