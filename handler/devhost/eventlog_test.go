package devhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func sample(n int) []event {
	events := make([]event, n)
	for i := range events {
		events[i] = event{enqueued: now(), key: strings.Repeat("k", i%3), body: fmt.Appendf(nil, "event %d", i)}
		if i%2 == 1 {
			events[i].properties, events[i].system = `{"p":1}`, `{"iothub-connection-device-id":"d"}`
		}
	}
	return events
}

// bodies returns what is read, as texts.
func bodies(t *testing.T, p *partition) []string {
	t.Helper()
	events, err := p.read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		out = append(out, string(e.body))
	}
	return out
}

func TestEventLogSurvivesATornTail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "0.log")
	p, err := openPartition(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.append(sample(3)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := bodies(t, p)
	for cut := int(p.starts[2]); cut <= len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		q, err := openPartition(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		left := want[:2]
		if cut == len(whole) {
			left = want
		}
		if got := bodies(t, q); !reflect.DeepEqual(got, left) {
			t.Errorf("cut at %d: %q, want %q", cut, got, left)
		}
		if err := q.append([]event{{enqueued: now(), body: []byte("next")}}); err != nil {
			t.Fatal(err)
		}
		if got := bodies(t, q); len(got) != len(left)+1 || got[len(left)] != "next" {
			t.Errorf("cut at %d, after the next append: %q", cut, got)
		}
		q.f.Close()
	}
}

func TestEventsReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	p, err := openPartition(filepath.Join(t.TempDir(), "0.log"))
	if err != nil {
		t.Fatal(err)
	}
	want := sample(7)
	for i := range want {
		if err := p.append(want[i : i+1]); err != nil {
			t.Fatal(err)
		}
		want[i].sequence, want[i].offset = int64(i), p.starts[i]
	}
	got, err := p.read(2, 3)
	if err != nil || !reflect.DeepEqual(got, want[2:5]) {
		t.Errorf("read(2, 3): %v, %v; want %v", got, err, want[2:5])
	}
	if got, err := p.read(7, 3); len(got) != 0 || err != nil {
		t.Errorf("read at the end: %v, %v", got, err)
	}
}

func FuzzOpenPartition(f *testing.F) {
	p, err := openPartition(filepath.Join(f.TempDir(), "0.log"))
	if err != nil {
		f.Fatal(err)
	}
	if err := p.append(sample(2)); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(p.f.Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "0.log")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := openPartition(path)
		if err != nil {
			t.Fatal(err)
		}
		defer p.f.Close()
		rest, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(data, rest) || int64(len(rest)) != p.end {
			t.Errorf("recovered %d bytes, want a prefix of %d bytes: %v", len(rest), p.end, err)
		}
	})
}

func TestSendingEvents(t *testing.T) {
	t.Parallel()
	const batchType = "application/vnd.microsoft.servicebus.json"
	for _, c := range []struct {
		name, method, path, contentType, broker, body string
		status                                        int
		want                                          []string // partition:key:body
	}{
		{"one", "POST", "/hub/messages?timeout=60", "", "", "x", 201, []string{"1::x"}},
		{"with a key", "POST", "/hub/messages", "", `{"PartitionKey":"k"}`, "x", 201, []string{"0:k:x"}},
		{"batch", "POST", "/hub/messages", batchType, "", `[{"Body":"a"},{"Body":"Yg==","IsBodyBase64":true}]`, 201, []string{"1::a", "1::b"}},
		{"batch with a key", "POST", "/hub/messages", batchType, "", `[{"Body":"a","BrokerProperties":{"PartitionKey":"k"}}]`, 201, []string{"0:k:a"}},
		{"two keys", "POST", "/hub/messages", batchType, "", `[{"Body":"a","BrokerProperties":{"PartitionKey":"k"}},{"Body":"b"}]`, 400, nil},
		{"empty batch", "POST", "/hub/messages", batchType, "", `[]`, 400, nil},
		{"no batch", "POST", "/hub/messages", batchType, "", `{}`, 400, nil},
		{"no body", "POST", "/hub/messages", batchType, "", `[{}]`, 400, nil},
		{"bad base64", "POST", "/hub/messages", batchType, "", `[{"Body":"?","IsBodyBase64":true}]`, 400, nil},
		{"bad broker properties", "POST", "/hub/messages", "", `{`, "x", 400, nil},
		{"another hub", "POST", "/other/messages", "", "", "x", 404, nil},
		{"a device of IoT Hub", "POST", "/devices/p%2F1/messages/events?api-version=2021-04-12", batchType, "", `[{"Body":"a"}]`, 204, []string{`1:p/1:[{"Body":"a"}]`}},
		{"a module of IoT Edge", "POST", "/devices/edge/modules/m/messages/events", "", "", "x", 204, []string{"0:edge:x"}},
		{"no device", "POST", "/devices//messages/events", "", "", "x", 404, nil},
		{"a device, to read", "GET", "/devices/d/messages/events", "", "", "", 405, nil},
		{"to a partition", "POST", "/hub/partitions/1/messages", "", "", "x", 404, nil},
		{"get", "GET", "/hub/messages", "", "", "", 405, nil},
		{"largest", "POST", "/hub/messages", "", "", strings.Repeat("x", maxSend), 201, []string{"1::" + strings.Repeat("x", maxSend)}},
		{"too large", "POST", "/hub/messages", "", "", strings.Repeat("x", maxSend+1), 413, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			hub, err := openEventHub(t.TempDir(), "hub", 2)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			if c.broker != "" {
				r.Header.Set("BrokerProperties", c.broker)
			}
			w := httptest.NewRecorder()
			(&eventFront{hubs: map[string]*eventHub{"hub": hub}, now: now}).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d %s, want %d", w.Code, w.Body, c.status)
			}
			var got []string
			for i, p := range hub.partitions {
				events, err := p.read(0, 10)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					got = append(got, fmt.Sprintf("%d:%s:%s", i, e.key, e.body))
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("stored %.80q, want %.80q", got, c.want)
			}
		})
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`[{"Body":"a","UserProperties":{"x":1},"BrokerProperties":{"PartitionKey":"k"}}]`))
	f.Add([]byte(`[{"Body":"?","IsBodyBase64":true}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := batch(body, now())
		if (err == nil) == (len(events) == 0) {
			t.Errorf("%d events, %v", len(events), err)
		}
		for _, e := range events {
			got, err := decodeEvent(e.appendTo(nil))
			if err != nil || !reflect.DeepEqual(append([]byte{}, got.body...), append([]byte{}, e.body...)) || got.key != e.key {
				t.Errorf("%v reads back as %v, %v", e, got, err)
			}
		}
	})
}

func TestUserPropertiesAreTheCustomFields(t *testing.T) {
	h := http.Header{"Authorization": {"x"}, "Content-Type": {"y"}, "Alert": {"Strong Wind"}}
	if got, want := userProperties(h), `{"Alert":"Strong Wind"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestCheckpointOfAnotherLog starts with a checkpoint that an earlier log left
// in storage: nothing of the new log may be passed over.
func TestCheckpointOfAnotherLog(t *testing.T) {
	t.Parallel()
	hub, err := openEventHub(t.TempDir(), "hub", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer hub.close()
	if err := hub.partitions[0].append(sample(3)); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]int64{0: 0, 2: 2, 3: 3, 4: 0, 900: 0} {
		l := &eventListener{fn: &function{}, hub: hub, log: newLogger(slog.New(slog.DiscardHandler), nil)}
		l.resumeAt(at)
		if got := l.done.Load(); got != want {
			t.Errorf("a checkpoint at %d goes on at %d, want %d", at, got, want)
		}
	}
}

// What a device sends by IoT Hub's call has the properties that IoT Hub would set; the sender cannot set
// them itself.
func TestDeviceProperties(t *testing.T) {
	t.Parallel()
	s, ok := senderOf(strings.Split("devices/pump%201/modules/opc/messages/events", "/"))
	if !ok || s != (sender{"pump 1", "opc"}) {
		t.Fatal(s, ok)
	}
	e := s.event(http.Header{"Iothub-App-Topic": {"spBv1.0/g/DDATA/e"}, "Iothub-Messageid": {"7"}, "Iothub-Connection-Device-Id": {"another"}, "Accept": {"x"}}, []byte("x"), now())
	e.sequence, e.offset = 3, 99
	var system map[string]any
	if err := json.Unmarshal([]byte(jsonText(e.systemProperties())), &system); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"iothub-connection-device-id": "pump 1", "iothub-connection-module-id": "opc", "iothub-messageid": "7", "iothub-message-source": "Telemetry",
		"x-opt-sequence-number": 3.0, "x-opt-partition-key": "pump 1"} {
		if system[name] != want {
			t.Errorf("%s is %v, want %v", name, system[name], want)
		}
	}
	if e.properties != `{"topic":"spBv1.0/g/DDATA/e"}` {
		t.Errorf("properties %s", e.properties)
	}
	two := eventFront{hubs: map[string]*eventHub{"a": {name: "a"}, "b": {name: "b"}}, now: now}
	w := httptest.NewRecorder()
	two.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/devices/d/messages/events", strings.NewReader("x")))
	if w.Code != http.StatusNotFound {
		t.Errorf("of two hubs, one was chosen: %d", w.Code)
	}
}
