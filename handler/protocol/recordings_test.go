package protocol

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// recording is what was sent to a handler by the real host, in a situation.
type recording struct {
	FunctionJSON map[string]functionJSON `json:"functionJson"`
	Exchanges    []struct{ Method, URL, Body string }
}

// TestRecordings decodes what the real host was recorded to send, as devhost
// replays it.
func TestRecordings(t *testing.T) {
	t.Parallel()
	decodeRecordings(t, "../devhost/testdata/recordings", queueTrigger, timerTrigger, eventHubTrigger)
}

// TestAllRecordings does so with the recordings that devhost's were trimmed from.
func TestAllRecordings(t *testing.T) {
	t.Parallel()
	decodeRecordings(t, needs.Shared(t, "facts/host-recordings"), queueTrigger, timerTrigger, eventHubTrigger, httpTrigger)
}

// decodeRecordings decodes the invocations of all recordings in a folder, among
// which are some by these triggers.
func decodeRecordings(t *testing.T, dir string, triggers ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d recordings in %s, %v; want some", len(files), dir, err)
	}
	decoded := map[string]int{}
	for _, file := range files {
		var r recording
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &r); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		for _, e := range r.Exchanges {
			f, ok := r.FunctionJSON[strings.TrimPrefix(e.URL, "/")]
			if !ok || !strings.HasPrefix(e.Body, `{"Data":`) {
				continue // readiness, or a forwarded request
			}
			trigger := f.trigger()
			if err := decodeAs(trigger, e.Body); err != nil {
				t.Errorf("%s: %s: %v\n%.500s", filepath.Base(file), e.URL, err, e.Body)
			}
			decoded[trigger.Type]++
		}
	}
	t.Log(decoded)
	for _, trigger := range triggers {
		if decoded[trigger] == 0 {
			t.Errorf("no invocation of a %s was found", trigger)
		}
	}
}

func decodeAs(trigger *bindingJSON, body string) error {
	inv, err := Decode("f", "id", []byte(body))
	if err != nil {
		return err
	}
	switch trigger.Type {
	case queueTrigger:
		_, err = inv.Text(trigger.Name)
	case timerTrigger:
		_, err = inv.Timer(trigger.Name)
	case eventHubTrigger:
		_, err = inv.Events(trigger.Name)
	default:
		_, err = inv.value(trigger.Name)
	}
	return err
}
