package mapping

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
)

var update = flag.Bool("update", false, "write into testdata/gateways.jsonl what is read from events now; check each line before committing")

// gatewayEvent is an event as a gateway, a network server or a platform sends it.
type gatewayEvent struct {
	Name string `json:"name"`
	Body string `json:"body,omitempty"`
	Raw  []byte `json:"raw,omitempty"` // instead of Body, if that is not UTF-8
	Hub  bool   `json:"hub,omitempty"` // whether it comes from IoT Hub's device rpi
	Want string `json:"want"`          // its summary
}

// TestGateways checks what is read from events as products send them, and from similar events that
// must not be misread.
func TestGateways(t *testing.T) {
	t.Parallel()
	goldenfile.Lines(t, "testdata/gateways.jsonl", 150, *update, func(e *gatewayEvent) {
		body, system := e.Raw, ""
		if body == nil {
			body = []byte(e.Body)
		}
		if e.Hub {
			system = `{"iothub-connection-device-id":"rpi"}`
		}
		got := summary(automatic, body, system, "")
		if got != e.Want && !*update {
			t.Errorf("%s: %s\n got %s\nwant %s", e.Name, body, got, e.Want)
		}
		e.Want = got
	})
}

// TestContradictions checks that several values of a sensor at the same time in one event are
// refused. Other readings of the event, and of other events, are stored.
func TestContradictions(t *testing.T) {
	t.Parallel()
	r := NewReader(automatic, Options{}, 3)
	for i, body := range []string{
		`{"device":"d","ts":1795762800,"readings":[{"temp":1},{"temp":2},{"temp":1},{"rpm":7}]}`,
		`{"device":"d","ts":1795762800,"temp":1}`,
		`{"device":"d","ts":1795762800,"temp":3}`, // left to the store
	} {
		r.Read(i, Event{Body: []byte(body)})
	}
	var got []string
	for i, x := range r.Readings {
		got = append(got, fmt.Sprint(r.Origins[i].Event, x.ID, x.Value))
	}
	if want := "[0 d/rpm 7 1 d/temp 1 2 d/temp 3]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if len(r.Refused) != 1 || r.Refused[0].Count != 2 || r.Copies != 1 || !strings.Contains(r.Refused[0].Err.Error(), "several values of d/temp at 2026-11-27T07:00:00.000Z") {
		t.Errorf("got refused %+v and %d copies, want one refusal of two and a copy", r.Refused, r.Copies)
	}
}
