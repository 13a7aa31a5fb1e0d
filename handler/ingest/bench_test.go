package ingest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/sensor"
)

// discard is a store that keeps nothing.
type discard struct{ readings int }

func (d *discard) InsertReadings(_ context.Context, batch []sensor.Reading) (sensor.Stored, error) {
	d.readings += len(batch)
	return sensor.Stored{Inserted: len(batch)}, nil
}

// envelope returns the invocation of a batch of n events of 120 bytes, with all
// the metadata that the host sends with it.
func envelope(n int) string {
	var bodies, sequences, times, system []string
	for i := range n {
		event := fmt.Sprintf(`{"device":"device-%03d","sensor":"temp-%d","ts":"2018-08-28T23:%02d:%02d.%03dZ","value":%d.%06d}`, i%500, i%3, i/60%60, i%60, i%1000, i%100, i)
		event = strings.Replace(event, "}", fmt.Sprintf(`,"q":"%s"}`, strings.Repeat("x", max(0, 120-len(event)-7))), 1)
		at := fmt.Sprintf("2026-11-23T20:44:%02d.%03d", i%60, i%1000)
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

// BenchmarkIngest has events decoded from the host's envelope, parsed, checked
// and deduplicated, over HTTP, and stored nowhere. Both ends of the connection
// are in the figure.
func BenchmarkIngest(b *testing.B) {
	const events = 1000
	body := envelope(events)
	kept := new(discard)
	in := ingest.Ingester{Store: kept, DeadLetters: new(blob.Memory)}
	s := protocol.New(protocol.Options{Stdout: io.Discard})
	s.EventHub("ingest", "events", time.Minute, func(ctx context.Context, log *slog.Logger, ev protocol.Events) error {
		return in.Ingest(ctx, log, ingest.Batch(ev))
	})
	server := httptest.NewServer(s)
	defer server.Close()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		// A reader of no known type has no length: it is sent in chunks.
		resp, err := http.Post(server.URL+"/ingest", "application/json", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status)
		}
	}
	if kept.readings != b.N*events {
		b.Fatalf("%d readings of %d", kept.readings, b.N*events)
	}
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(len(body))/events, "B/event")
}
