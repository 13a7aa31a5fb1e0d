package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// Events of each shape come through the event hub of serve into its database, by a
// mapping in a blob, which auto is a part of, and rules of its settings. What the mapping does not know
// stands in the dead letter, from where it is replayed once the mapping does.
func TestServeIngests(t *testing.T) {
	dist, repo := staged(t), abs(t, repository)
	t.Chdir(t.TempDir())
	dir := abs(t, "state")
	url, out, stop := serveWith(t, dist, map[string]string{
		"INGEST_MAP": "config/plant.jq", "INGEST_FUTURE": "0s", "INGEST_RULES": `{"rules": [{"device": "hall", "convert": "F>C"}]}`,
	}, "--dir", dir)
	var hub string
	waitFor(t, out, "settings", func() bool {
		var settings map[string]string
		data, err := os.ReadFile(served)
		if err != nil || json.Unmarshal(data, &settings) != nil {
			return false
		}
		hub = "http://" + strings.TrimPrefix(strings.Split(settings["EventHubConnection"], ";")[0], "Endpoint=sb://") + "/readings/messages"
		_, _, code := command(t, "", nil, "runs", "list", "--url", url)
		return code == 0
	})
	send := func(body []byte, properties map[string]any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hub, strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/atom+xml;type=entry;charset=utf-8")
		for name, value := range properties {
			text, _ := json.Marshal(value)
			req.Header.Set(name, string(text))
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s", resp.Status)
		}
	}
	const known = `if type == "object" and has("plant") then %s else auto end`
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
		if c.Expect == nil || len(c.System) > 2 || len(c.Properties) > 2 || c.Mapping != "auto" || c.CSV != "" {
			continue // IoT Hub alone says so; refused; another mapping
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
		send(c.Base64, nil)
		for r := range rows {
			want[r] = true
		}
	}
	if len(want) < 20 {
		t.Fatalf("%d readings", len(want))
	}
	send([]byte(`{"plant":"hall","t":"2026-11-27T07:00:00Z","v":212}`), nil)
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
			t.Fatal("replay failed")
		}
		return all(map[fleet.Reading]bool{{ID: fleet.ID{Device: "hall", Sensor: "temp"}, Time: 1795762800000, Value: 100}: true})()
	})
	waitFor(t, out, "an empty dead letter", func() bool {
		stdout, _, code := command(t, "", nil, "deadletter", "list")
		return code == 0 && strings.Contains(stdout, "nothing stands in the dead letter")
	})
	if code := stop(); code != 0 {
		t.Errorf("exit code %d after\n%s", code, out.String())
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
