package sklearn

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocs holds that docs/model-files.md names every class that is read.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/model-files.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range classes {
		if strings.HasPrefix(c.name, "_") {
			continue // stands inside others alone
		}
		if !regexp.MustCompile(`\b` + c.name + `\b`).Match(page) {
			t.Errorf("docs/model-files.md does not name %s", c.name)
		}
	}
}
