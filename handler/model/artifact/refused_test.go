package artifact_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// goType is what Go prints of its own types.
var goType = regexp.MustCompile(`\*pickle|\*numpy|<nil>|int64|float64|map\[|\[\]|interface|struct \{`)

// TestRefused holds that files which real packages wrote, and that hold no model
// that is read, are called what they are, with what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, r := range readGoldens[bundle](t, "testdata/refused.json.gz") {
		_, err := artifact.Load(r.File, nil)
		if err == nil {
			t.Errorf("%s: it is loaded", r.Name)
			continue
		}
		for _, words := range r.Refused {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v\ndoes not say: %s", r.Name, err, words)
			}
		}
		if goType.MatchString(err.Error()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v: a type of Go, or more than one line", r.Name, err)
		}
	}
}
