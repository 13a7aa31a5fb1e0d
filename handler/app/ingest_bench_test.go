package app

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/store"
)

// BenchmarkIngest has the host send events of 120 bytes of 200 sensors, in
// batches of 1,000 with all their metadata, 100 batches a round: parsed, checked
// and deduplicated, then the same stored in SQLite. Metrics, of CPU time with
// both ends of the connection in it:
//
//	events/core-s   parsed, checked and deduplicated, in a second of a core
//	x-bare          that over a net/http server that reads the same bytes
//	%bulk           the rate into SQLite, in per cent of a bare bulk insert of the same readings
func BenchmarkIngest(b *testing.B) {
	const batches, batch = 100, 1000
	bodies := make([]string, batches)
	for i := range bodies {
		bodies[i] = events(i*batch, batch)
	}
	kept := new(discard)
	parse := send(b, ingestion(b, kept), bodies)
	idle := send(b, http.HandlerFunc(bare), bodies)
	costs := measure.Turns(b, parse, idle, func() {
		db, _ := newDatabase(b)
		send(b, ingestion(b, db), bodies)()
	}, func() {
		_, path := newDatabase(b)
		bulk(b, path, kept.readings[:batches*batch])
		kept.readings = kept.readings[:0]
	})
	measure.Report(b, "events/core-s", func(of func(measure.Costs) time.Duration) float64 { return batches * batch / of(costs[0]).Seconds() })
	b.ReportMetric(costs[0].Min().Seconds()/costs[1].Min().Seconds(), "x-bare")
	b.ReportMetric(100*costs[3].Min().Seconds()/costs[2].Min().Seconds(), "%bulk")
	b.ReportMetric(batches*batch/costs[2].Min().Seconds(), "stored/core-s")
}

// ingestion serves the function ingest over a store.
func ingestion(b *testing.B, s ingest.Store) http.Handler {
	in := ingest.Ingester{Store: s, Files: new(blob.Memory), Map: auto(b), Now: time.Now}
	server := protocol.New(protocol.Options{Stdout: b.Output()})
	server.EventHub("ingest", "events", time.Minute, func(ctx context.Context, log *slog.Logger, ev protocol.Events) error {
		return in.Ingest(ctx, log, batch(ev))
	})
	return server
}

// send returns what posts bodies to h.
func send(b *testing.B, h http.Handler, bodies []string) func() {
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return func() {
		for _, body := range bodies {
			post(b, server.URL+"/ingest", body)
		}
	}
}

// discard is a store that keeps nothing in SQL.
type discard struct{ readings []fleet.Reading }

func (d *discard) InsertReadings(_ context.Context, batch []fleet.Reading, _ fleet.Delivery) (fleet.Stored, error) {
	d.readings = append(d.readings, batch...)
	return fleet.Stored{Inserted: len(batch)}, nil
}

func newDatabase(b *testing.B) (db *store.DB, path string) {
	path = filepath.ToSlash(filepath.Join(b.TempDir(), "fleet.db"))
	db, err := store.Open("file:"+path, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return db, path
}

// bulk inserts readings without any care: no sensors, no check, no look at what
// is there, in transactions of as many and with the settings of the store.
func bulk(b *testing.B, path string, readings []fleet.Reading) {
	pool, err := driver.Open("file:" + path + "?_txlock=immediate&_pragma=synchronous(normal)&_pragma=temp_store(memory)&_pragma=cache_size(-16000)&_pragma=wal_autocheckpoint(16000)")
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	keys := map[fleet.ID]int{}
	for ; len(readings) > 0; readings = readings[1000:] {
		err := transact(b.Context(), pool, func(insert *sql.Stmt) error {
			for _, r := range readings[:1000] {
				if keys[r.ID] == 0 {
					keys[r.ID] = len(keys) + 1
				}
				if _, err := insert.Exec(keys[r.ID], int64(r.Time), r.Value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func transact(ctx context.Context, pool *sql.DB, f func(insert *sql.Stmt) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, "INSERT INTO readings (sensor_id, ts, value) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	if err := f(insert); err != nil {
		return err
	}
	return tx.Commit()
}

// events returns the invocation of n events of 120 bytes, from number first on,
// with all the metadata that the host sends with them.
func events(first, n int) string {
	var bodies, sequences, times, system []string
	for i := first; i < first+n; i++ {
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i/200) * time.Second).Format("2006-01-02T15:04:05.000")
		event := fmt.Sprintf(`{"device":"device-%03d","sensor":"temp-%d","ts":"%sZ","value":%d.%06d}`, i%200/4, i%4, at, i%100, i%1000)
		event = strings.Replace(event, "}", fmt.Sprintf(`,"q":"%s"}`, strings.Repeat("x", max(0, 120-len(event)-7))), 1)
		bodies = append(bodies, base64.StdEncoding.EncodeToString([]byte(event)))
		sequences = append(sequences, fmt.Sprint(1_000_000+i))
		times = append(times, `"`+at+`"`)
		system = append(system, fmt.Sprintf(`{"x-opt-sequence-number":%d,"x-opt-offset":%d,"x-opt-enqueued-time":"%s+00:00","SequenceNumber":%d,"Offset":%d,"PartitionKey":null,"EnqueuedTimeUtc":"%s"}`,
			1_000_000+i, 100*i, at, 1_000_000+i, 100*i, at))
	}
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	list := func(items []string) string { return quote("[" + strings.Join(items, ",") + "]") }
	same := func(item string) string { return list(strings.Split(strings.Repeat(item+",", n-1)+item, ",")) }
	return fmt.Sprintf(`{"Data":{"events":%s},"Metadata":{"PartitionContext":{"EventHubName":"telemetry","PartitionId":"0"},"PartitionKeyArray":%s,`+
		`"OffsetArray":%s,"SequenceNumberArray":%s,"EnqueuedTimeUtcArray":%s,"PropertiesArray":%s,"SystemPropertiesArray":%s,"sys":{"MethodName":"ingest"}}}`,
		quote(`["`+strings.Join(bodies, `","`)+`"]`), same("null"), same(`"0"`), list(sequences), list(times), same("{}"), list(system))
}

// auto tells events apart by their shape.
func auto(tb testing.TB) ingest.MappingSource {
	m, err := mapping.Parse(mapping.Auto)
	if err != nil {
		tb.Fatal(err)
	}
	return ingest.Fixed{Is: m}
}
