package ingest

import (
	"log/slog"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// sums are what became of events.
type sums struct {
	events, stored, equal, missing, rejected int
}

// add adds readings that were handed to the store, and values missing beside
// them.
func (s *sums) add(readings, missing int, stored fleet.Stored) {
	s.stored += stored.Inserted
	s.equal += readings - stored.Inserted - len(stored.Rejected)
	s.missing += missing
}

// total is what a process has ingested since it last said so.
type total struct {
	mu    sync.Mutex
	since time.Time
	sums
	lag time.Duration // the longest between arrival in the hub and in SQL
}

// totalEvery is how often a process logs its total: workbooks count these
// lines, and a line a batch would cost more than the batch.
const totalEvery = time.Minute

// count adds the events of b that are done, and logs the total if it is time.
func (in *Ingester) count(log *slog.Logger, b Batch, s sums, refused []mapping.Refused) {
	if in.Now == nil {
		return
	}
	s.rejected = count(refused)
	now, t := in.Now(), &in.total
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since.IsZero() {
		t.since = now
	}
	t.events += s.events
	t.stored += s.stored
	t.equal += s.equal
	t.missing += s.missing
	t.rejected += s.rejected
	for i := range s.events {
		if enqueued := b.enqueued(i); !enqueued.IsZero() {
			t.lag = max(t.lag, now.Sub(enqueued))
		}
	}
	if now.Sub(t.since) >= totalEvery {
		t.report(log, now)
	}
}

// Flush logs what was ingested since that was last said, if anything was. The
// tick calls it, and the end of the process: batches may be long in coming.
func (in *Ingester) Flush(log *slog.Logger) {
	if in.Now == nil {
		return
	}
	t := &in.total
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.events > 0 {
		t.report(log, in.Now())
	}
}

// report logs the total and begins another. The names and units of the line's
// attributes are a contract with the workbook.
func (t *total) report(log *slog.Logger, now time.Time) {
	log.Info("ingest", "events", t.events, "readings", t.stored+t.equal, "stored", t.stored, "duplicate", t.equal, "missing", t.missing,
		"rejected", t.rejected, "lag_s", t.lag.Seconds(), "seconds", now.Sub(t.since).Seconds())
	t.since, t.sums, t.lag = now, sums{}, 0
}
