package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/store"
)

// TestServeIngests sends events of each shape to the event hub of serve, which stores them
// by the rules in its settings and by a mapping in a blob. The mapping passes most events on
// to auto. An event that it does not know goes to the dead letter. Once the mapping knows it,
// it is replayed from there.
func TestServeIngests(t *testing.T) {
	dist, repo := staged(t), abs(t, repository)
	t.Chdir(t.TempDir())
	dir := abs(t, "state")
	api, out, stop := serveWith(t, dist, map[string]string{
		"INGEST_MAP": "config/plant.jq", "INGEST_FUTURE": "0s", "INGEST_RULES": `{"rules": [{"device": "hall", "convert": "F>C"}]}`,
	}, "--dir", dir)
	var hub string
	waitFor(t, out, "settings", func() bool {
		var settings map[string]string
		data, err := os.ReadFile(served)
		if err != nil || json.Unmarshal(data, &settings) != nil {
			return false
		}
		hub = "http://" + strings.TrimPrefix(strings.Split(settings["EventHubConnection"], ";")[0], "Endpoint=sb://")
		_, _, code := command(t, "", nil, "runs", "list", "--url", api)
		return code == 0
	})
	// send sends as Event Hubs' clients do, or, from a device, as those of IoT Hub do.
	send := func(body []byte, device string, properties map[string]string) {
		t.Helper()
		address, prefix, want := hub+"/readings/messages", "", http.StatusCreated
		if device != "" {
			address, prefix, want = hub+"/devices/"+url.PathEscape(device)+"/messages/events?api-version=2021-04-12", "iothub-app-", http.StatusNoContent
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range properties {
			req.Header.Set(prefix+name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Fatalf("%s", resp.Status)
		}
	}
	// A sender may name a mapping by a property.
	known := `if type == "object" and has("plant") then %s else ($properties | .map // .Map) as $map | if $map == null then auto`
	for _, m := range mapping.Builtin() {
		if m[0] != "readings" { // is no function
			known += fmt.Sprintf(" elif $map == %q then %s", m[0], strings.ReplaceAll(m[0], "-", "_"))
		}
	}
	known += ` else {refused: "no mapping \($map)"} end end`
	write(t, "plant.jq", strings.Replace(known, "%s", `{refused: "the plant \(.plant) is unknown"}`, 1))
	expect(t, "published; INGEST_MAP=config/plant.jq", "ingest", "publish", "plant.jq")

	want := map[fleet.Reading]bool{}
	files, err := filepath.Glob(filepath.Join(repo, "handler/ingest/mapping/testdata/events/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var c eventCase
		if err := json.Unmarshal([]byte(read(t, file)), &c); err != nil {
			t.Fatal(err)
		}
		if c.Expect == nil || c.CSV != "" {
			continue // refused, or read by a setting
		}
		var system map[string]string
		if err := json.Unmarshal(c.System, &system); len(c.System) > 0 && err != nil {
			t.Fatal(file, err)
		}
		var properties map[string]string
		if err := json.Unmarshal(c.Properties, &properties); len(c.Properties) > 0 && err != nil {
			t.Fatal(file, err)
		}
		if c.Mapping != "auto" {
			properties = map[string]string{"map": c.Mapping}
		}
		rows := map[fleet.Reading]bool{}
		timed := true
		for _, r := range *c.Expect {
			at, err := time.Parse(time.RFC3339Nano, r.TS)
			if err != nil {
				t.Fatal(err)
			}
			timed = timed && !at.Equal(c.Enqueued)
			rows[fleet.Reading{ID: fleet.ID{Device: r.Device, Sensor: r.Sensor}, Time: fleet.MillisOf(at), Value: r.Value}] = true
		}
		if !timed {
			continue
		}
		send(c.Base64, system["iothub-connection-device-id"], properties)
		for r := range rows {
			want[r] = true
		}
	}
	if len(want) < 20 {
		t.Fatalf("the cases have %d readings, want 20 or more", len(want))
	}
	for name, e := range roundTrips {
		send([]byte(e.body), e.device, map[string]string{"map": name})
		want[fleet.Reading{ID: fleet.ID{Device: e.stored, Sensor: "t"}, Time: 1795762800000, Value: 21.5}] = true
	}
	send([]byte(`{"plant":"hall","t":"2026-11-27T07:00:00Z","v":212}`), "", nil)
	db, err := store.Open(config.FileDSN(filepath.Join(dir, "fleetscore.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := func(want map[fleet.Reading]bool) func() bool {
		return func() bool {
			n := 0
			for r := range want {
				if valueOf(t.Context(), db, r) {
					n++
				}
			}
			return n == len(want)
		}
	}
	waitFor(t, out, "readings of all shapes", all(want))
	waitFor(t, out, "a dead letter", func() bool {
		stdout, _, code := command(t, "", nil, "deadletter", "list")
		return code == 0 && strings.Contains(stdout, "the plant hall is unknown")
	})
	expect(t, `{"plant":"hall"`, "deadletter", "show", "--reason", "unknown")
	write(t, "plant.jq", strings.Replace(known, "%s", `{device: .plant, sensor: "temp", ts: .t, value: .v}`, 1))
	expect(t, "published", "ingest", "publish", "plant.jq")
	waitFor(t, out, "the mapping that was repaired", func() bool {
		if _, _, code := command(t, "", nil, "deadletter", "replay", "--reason", "UNKNOWN"); code != 0 {
			return false
		}
		return all(map[fleet.Reading]bool{{ID: fleet.ID{Device: "hall", Sensor: "temp"}, Time: 1795762800000, Value: 100}: true})()
	})
	waitFor(t, out, "an empty dead letter", func() bool {
		stdout, _, code := command(t, "", nil, "deadletter", "list")
		return code == 0 && strings.Contains(stdout, "no lines in the dead letter")
	})
	if code := stop(); code != 0 {
		t.Errorf("exit code %d, want 0, after\n%s", code, out.String())
	}
}

// roundTrips has an event for each built-in mapping. A device of IoT Hub sends it if device is
// not empty. stored is the device of the reading.
var roundTrips = map[string]struct{ body, device, stored string }{
	"auto":            {`{"device":"r-auto","sensor":"t","ts":1795762800,"value":21.5}`, "", "r-auto"},
	"wide":            {`{"deviceId":"r-wide","ts":1795762800,"t":21.5}`, "hub", "r-wide"},
	"iothub":          {`{"deviceId":"what it calls itself","ts":1795762800,"t":21.5}`, "r hub/1", "r hub/1"},
	"iotedge":         {`{"ts":1795762800,"t":21.5}`, "r-edge", "r-edge"},
	"iotcentral":      {`{"applicationId":"a","messageSource":"telemetry","deviceId":"r-central","enqueuedTime":"2026-11-27T07:00:00Z","telemetry":{"t":21.5}}`, "", "r-central"},
	"opcua-publisher": {`{"MessageType":"ua-data","PublisherId":"r-opc","Messages":[{"Timestamp":"2026-11-27T07:00:00Z","Payload":{"t":{"Value":21.5}}}]}`, "hub", "r-opc"},
	"cloudevents":     {`{"specversion":"1.0","type":"t","source":"r-cloud","id":"1","time":"2026-11-27T07:00:00Z","data":{"t":21.5}}`, "", "r-cloud"},
	"eventgrid":       {`[{"id":"1","subject":"devices/r-grid","eventType":"x","eventTime":"2026-11-27T07:00:00Z","data":{"t":21.5}}]`, "", "r-grid"},
	"sparkplug-json":  {`{"timestamp":1795762800000,"seq":1,"metrics":[{"name":"t","value":21.5}]}`, "r-spark", "r-spark"},
	"lorawan-ttn":     {`{"end_device_ids":{"device_id":"r-lora"},"received_at":"2026-11-27T07:00:00Z","uplink_message":{"decoded_payload":{"t":21.5}}}`, "", "r-lora"},
	"senml":           {`[{"bn":"r-senml/","bt":1795762800,"n":"t","v":21.5}]`, "", "r-senml/"},
}

// TestRoundTrips checks that each built-in mapping has an event. Events of the mapping
// readings are those that simulate sends.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for _, m := range mapping.Builtin() {
		if _, ok := roundTrips[m[0]]; !ok && m[0] != "readings" {
			t.Errorf("the mapping %s has no event", m[0])
		}
	}
}

// valueOf reports whether a reading is stored.
func valueOf(ctx context.Context, db *store.DB, r fleet.Reading) bool {
	from := r.Time.Time().Truncate(time.Second)
	for x, err := range db.Readings(ctx, []fleet.ID{r.ID}, fleet.Window{From: from, To: from.Add(time.Second)}) {
		if err == nil && x == r {
			return true
		}
	}
	return false
}
