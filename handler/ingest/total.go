package ingest

import (
	"log/slog"
	"sync"
	"time"
)

// total is what a process has ingested since it last said so.
type total struct {
	mu                         sync.Mutex
	since                      time.Time
	events, readings, rejected int
	lag                        time.Duration // the longest between arrival in the hub and in SQL
}

// totalEvery is how often a process logs its total: workbooks count these
// lines, and a line a batch would cost more than the batch.
const totalEvery = time.Minute

// count adds a batch that is done, and logs the total if it is time. The names
// and units of the line's attributes are a contract with the workbook.
func (in *Ingester) count(log *slog.Logger, b Batch, readings, rejected int) {
	if in.Now == nil {
		return
	}
	now, t := in.Now(), &in.total
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since.IsZero() {
		t.since = now
	}
	t.events += len(b.Bodies)
	t.readings += readings
	t.rejected += rejected
	for _, enqueued := range b.Enqueued {
		if !enqueued.IsZero() {
			t.lag = max(t.lag, now.Sub(enqueued))
		}
	}
	if now.Sub(t.since) < totalEvery {
		return
	}
	log.Info("ingest", "events", t.events, "readings", t.readings, "rejected", t.rejected, "lag_s", t.lag.Seconds(), "seconds", now.Sub(t.since).Seconds())
	t.since, t.events, t.readings, t.rejected, t.lag = now, 0, 0, 0, 0
}
