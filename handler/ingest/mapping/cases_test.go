package mapping

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// eventCase is an event, with the rows that are stored of it, or why it is refused.
type eventCase struct {
	Mapping            string
	Enqueued           time.Time
	System, Properties json.RawMessage
	Body               []byte `json:"body_base64"`
	Text               string `json:"body"` // instead of Body
	CSV                string
	Expect             []struct {
		Device, Sensor, TS string
		Value              float64
	}
	Missing int
	Refused string // if it begins with ~, a part of the reason
}

// TestCases checks what is read from each event in testdata/events.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) < 31 {
		t.Fatalf("%d files of events, want at least 31 (%v)", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c eventCase
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c.check(t, filepath.Base(file))
	}
}

// check checks what is read from the event.
func (c eventCase) check(t *testing.T, name string) {
	t.Helper()
	m, err := Parse(c.Mapping)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	body := c.Body
	if c.Text != "" {
		body = []byte(c.Text)
	}
	r := NewReader(m, Options{Future: 24 * time.Hour, CSV: c.CSV}, 1)
	r.Read(0, Event{Body: body, Enqueued: c.Enqueued, Partition: "0", Detail: func(int) Detail { return Detail{System: c.System, Properties: c.Properties} }})
	var got, want []string
	for _, x := range r.Readings {
		got = append(got, row{device: x.ID.Device, sensor: x.ID.Sensor, ts: x.Time.String(), value: x.Value}.String())
	}
	for _, x := range c.Expect {
		at, err := time.Parse(time.RFC3339, x.TS)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, row{device: x.Device, sensor: x.Sensor, ts: at.Format("2006-01-02T15:04:05.000Z"), value: x.Value}.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got %q\nwant %q\nmissing %d, refused %v", name, got, want, r.Missing, r.Refused)
	}
	switch {
	case c.Refused == "" && len(r.Refused) > 0:
		t.Errorf("%s: refused %v", name, r.Refused[0].Err)
	case c.Refused != "" && len(r.Refused) == 0:
		t.Errorf("%s: nothing was refused, want %s", name, c.Refused)
	case c.Refused != "" && strings.HasPrefix(c.Refused, "~") && !strings.Contains(r.Refused[0].Err.Error(), c.Refused[1:]):
		t.Errorf("%s: refused with %v, want %s", name, r.Refused[0].Err, c.Refused[1:])
	case len(c.Expect) == 0 && c.Refused == "" && r.Missing == 0:
		t.Errorf("%s: nothing was stored, missing or refused", name)
	case c.Missing != 0 && r.Missing != c.Missing:
		t.Errorf("%s: %d missing, want %d", name, r.Missing, c.Missing)
	}
}
