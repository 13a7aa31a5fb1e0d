package sklearn

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocs checks that docs/model-files.md names every supported class.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/model-files.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range classes {
		if strings.HasPrefix(c.name, "_") {
			continue // only inside other estimators
		}
		if !regexp.MustCompile(`\b` + c.name + `\b`).Match(page) {
			t.Errorf("docs/model-files.md does not name %s", c.name)
		}
	}
}
