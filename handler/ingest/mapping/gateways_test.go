package mapping

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write into testdata/gateways.jsonl what events come to now; read each before it is kept")

// gatewayEvent is an event as a gateway, a network server or a platform sends it.
type gatewayEvent struct {
	Name string `json:"name"`
	Body string `json:"body,omitempty"`
	Raw  []byte `json:"raw,omitempty"` // in place of Body, if that is not UTF-8
	Hub  bool   `json:"hub,omitempty"` // IoT Hub knows the sender as rpi
	Want string `json:"want"`          // as [summary] has it
}

// TestGateways holds what becomes of events as products send them, and of what is close to
// them and must not be stored wrong.
func TestGateways(t *testing.T) {
	t.Parallel()
	const file = "testdata/gateways.jsonl"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	auto := &Mapping{name: Auto, shape: auto}
	var written bytes.Buffer
	lines := json.NewEncoder(&written)
	lines.SetEscapeHTML(false)
	n := 0
	for line := range bytes.Lines(content) {
		var e gatewayEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		body, system := e.Raw, ""
		if body == nil {
			body = []byte(e.Body)
		}
		if e.Hub {
			system = `{"iothub-connection-device-id":"rpi"}`
		}
		got := summary(auto, body, system, "")
		if got != e.Want && !*update {
			t.Errorf("%s: %s\n got %s\nwant %s", e.Name, body, got, e.Want)
		}
		e.Want = got
		if err := lines.Encode(e); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 150 {
		t.Errorf("%d events", n)
	}
	if *update {
		if err := os.WriteFile(file, written.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What contradicts itself is refused, and holds up nothing else: neither what the event has
// beside it, nor an equal reading in the next event.
func TestContradictions(t *testing.T) {
	t.Parallel()
	auto := &Mapping{name: Auto, shape: auto}
	r := NewReader(auto, Options{}, 3)
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
		t.Errorf("refused %+v, %d copies", r.Refused, r.Copies)
	}
}
