package artifact_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// TestRefused checks the errors for files of real packages that hold no supported
// model. They say what the file is, and what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, r := range readGoldens[bundle](t, "testdata/refused.json.gz") {
		_, err := artifact.Load(r.File, nil)
		r.checkRefused(t, err)
		if err != nil {
			checkMessage(t, r.Name, err)
		}
	}
}
