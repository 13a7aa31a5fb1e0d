package infra

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	nouns "github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/schedule"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
	"github.com/fleetscore/fleetscore/handler/score"
	"github.com/fleetscore/fleetscore/handler/store"
)

// TestFields checks that the queries ask for lines and fields that the code logs. It runs
// the code to see what it logs.
func TestFields(t *testing.T) {
	lines := logged(t)
	message := regexp.MustCompile(`Event\.msg\) (?:==|in) \(?((?:"[^"]+"(?:, )?)+)`)
	field := regexp.MustCompile(`Event(?:\.(\w+)|\["(\w+)"\])`)
	for file, text := range queries(t) {
		known := map[string]bool{}
		for _, m := range message.FindAllStringSubmatch(text, -1) {
			for _, name := range regexp.MustCompile(`[^",]+[^", ]`).FindAllString(m[1], -1) {
				if lines[name] == nil {
					t.Errorf("%s asks for lines %q, which nothing logs; there are %q", file, name, slices.Sorted(maps.Keys(lines)))
				}
				maps.Copy(known, lines[name])
			}
		}
		for _, m := range field.FindAllStringSubmatch(text, -1) {
			if name := m[1] + m[2]; !known[name] {
				t.Errorf("%s asks for the field %q, which no such line has", file, name)
			}
		}
	}
}

// logged returns the fields of each line, by its message, that ticks, an
// ingest and a score log.
func logged(t *testing.T) map[string]map[string]bool {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	db, err := store.Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "s.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 1, 2, 3, 30, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Minute); return now }
	blobs := new(blob.Memory)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(db.Migrate(t.Context()))
	check(db.InitWatermark(t.Context(), now.Add(-3*time.Hour).Truncate(time.Hour)))

	hourly, err := ncrontab.Parse("0 0 * * * *")
	check(err)
	ender := &ledger.Ender{Ledger: db, Files: blobs, Now: clock}
	sender := &ledger.Sender{Outbox: db, Queue: queues{}, PerMessage: 1, Now: clock}
	in := &ingest.Ingester{Store: db, Files: blobs, Map: auto(t), Now: clock}
	models := &registry.Registry{Blobs: blobs, Ledger: db, Columns: 1, Now: clock}
	ticker := &schedule.Ticker{Spill: in, Models: models, Ledger: db, Queue: queues{}, Poison: queues{}, Sender: sender, Ender: ender, Days: &runs.Days{Ledger: db, Now: clock}, Schedule: hourly, Now: clock}
	check(ticker.Tick(t.Context(), log))
	_, err = db.InsertReadings(t.Context(), []nouns.Reading{{ID: nouns.ID{Device: "1", Sensor: "1"}}}, nouns.Delivery{}) // of 1970
	check(err)
	check(ticker.Tick(t.Context(), log))

	for range 3 {
		check(in.Ingest(t.Context(), log, ingest.Batch{Bodies: [][]byte{[]byte("no reading")}, Enqueued: []time.Time{now}}))
	}
	scorer := &score.Scorer{Ledger: db, Files: blobs, Ender: ender, Now: clock}
	check(scorer.Score(t.Context(), log, "no message"))
	return fields(t, out.Bytes())
}

// fields returns the fields of JSON lines, by their messages.
func fields(t *testing.T, lines []byte) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	for line := range bytes.Lines(lines) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint(record["msg"])
		if all[name] == nil {
			all[name] = map[string]bool{}
		}
		for f := range record {
			all[name][f] = true
		}
	}
	return all
}

// queues are empty, and take any message.
type queues struct{}

func (queues) ApproximateCount(context.Context) (int, error) { return 0, nil }
func (queues) Send(context.Context, string) error            { return nil }

func auto(t *testing.T) ingest.MappingSource {
	m, err := mapping.Parse(mapping.Auto)
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Fixed{Is: m}
}
