package ingest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Batch is a batch of events of one partition of an event hub. Sequences and
// Enqueued belong to the bodies one by one, or are nil where they are not known.
type Batch struct {
	Hub, Partition string
	Bodies         [][]byte
	Sequences      []int64
	Enqueued       []time.Time
}

// source returns the hub and partition as the names of blobs have them.
func (b Batch) source() (hub, partition string) {
	return cmp.Or(b.Hub, "unknown"), cmp.Or(b.Partition, "unknown")
}

// Store keeps readings.
type Store interface {
	// InsertReadings stores a batch in one transaction; see [fleet.Stored].
	InsertReadings(ctx context.Context, batch []fleet.Reading) (fleet.Stored, error)
}

const (
	maxInsert  = 10_000 // readings in one transaction
	maxLetters = 100    // dead letters of one event
	maxWriters = 16     // dead letters written at a time
)

// Ingester stores the readings of batches. It is safe for concurrent use.
type Ingester struct {
	Store Store
	Files Files            // dead letters, and batches that SQL refused
	Now   func() time.Time // nil logs no totals

	total total
}

// Ingest stores the readings of b and writes a dead letter for each element
// that is none or can't be stored. If SQL refuses the batch until shortly before
// ctx's deadline, it is spilled to Blob for [Ingester.Drain]. It returns nil once
// the one or the other is done; its errors wrap [fleet.ErrUnavailable]. It logs
// one line if something was rejected or spilled, and once a minute what was
// ingested since.
func (in *Ingester) Ingest(ctx context.Context, log *slog.Logger, b Batch) error {
	early, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		early, cancel = context.WithDeadline(ctx, deadline.Add(-spillTime))
	}
	defer cancel()
	p := parse(b)
	rejected, err := in.insert(early, p.readings)
	if err != nil {
		if err := in.spill(ctx, log, b, err); err != nil {
			return retry("store readings of %d events", len(b.Bodies), err)
		}
		return nil
	}
	return in.finish(ctx, log, b, p, rejected)
}

// store is Ingest of a batch that has been spilled, and stays so if it fails.
func (in *Ingester) store(ctx context.Context, log *slog.Logger, b Batch) error {
	p := parse(b)
	rejected, err := in.insert(ctx, p.readings)
	if err != nil {
		return err
	}
	return in.finish(ctx, log, b, p, rejected)
}

// finish writes the dead letters of a batch whose readings are stored.
func (in *Ingester) finish(ctx context.Context, log *slog.Logger, b Batch, p parsed, rejected []fleet.Rejected) error {
	for _, r := range rejected {
		o := p.origins[r.Index]
		p.bad = append(p.bad, bad{o, &p.readings[r.Index], r.Err})
	}
	if len(p.bad) > 0 {
		if err := in.reject(ctx, log, b, p); err != nil {
			return err
		}
	}
	in.count(log, b, len(p.readings)-len(rejected), len(p.bad))
	return nil
}

// reject writes the dead letters of a batch.
func (in *Ingester) reject(ctx context.Context, log *slog.Logger, b Batch, p parsed) error {
	letters := merge(b, p.bad)
	if err := in.bury(ctx, b, letters); err != nil {
		return retry("write %d dead letters", len(letters), err)
	}
	first := p.bad[0]
	log.Warn("readings rejected", "hub", b.Hub, "partition", b.Partition, "events", len(b.Bodies),
		"rejected", len(p.bad), "first", letterName(b, first.origin), "reason", first.err.Error())
	return nil
}

// retry makes err one after which the batch comes again, whatever it was: to
// acknowledge what was not stored would lose it.
func retry(doing string, n int, err error) error {
	return fmt.Errorf("ingest: "+doing+": %w: %w", n, fleet.ErrUnavailable, err)
}

// insert stores the readings, each transaction a part of them. The indices in
// what it returns are those in readings.
func (in *Ingester) insert(ctx context.Context, readings []fleet.Reading) ([]fleet.Rejected, error) {
	var rejected []fleet.Rejected
	for begin := 0; begin < len(readings); begin += maxInsert {
		stored, err := in.Store.InsertReadings(ctx, readings[begin:min(begin+maxInsert, len(readings))])
		if err != nil {
			return nil, err
		}
		for _, r := range stored.Rejected {
			r.Index += begin
			rejected = append(rejected, r)
		}
	}
	return rejected, nil
}

// merge makes one of all that is bad in an event where that is too much for
// dead letters of their own.
func merge(b Batch, all []bad) []bad {
	count := make(map[int]int)
	for _, x := range all {
		count[x.event]++
	}
	merged := make([]bad, 0, len(all))
	for _, x := range all {
		n := count[x.event]
		switch {
		case n < 0: // merged already
		case n <= maxLetters:
			merged = append(merged, x)
		default:
			err := fmt.Errorf("more than %d elements are bad; the first is element %d: %w", maxLetters, x.element, x.err)
			merged = append(merged, bad{origin{x.event, -1, b.Bodies[x.event]}, nil, err})
			count[x.event] = -1
		}
	}
	return merged
}

// bury writes the dead letters, some at a time.
func (in *Ingester) bury(ctx context.Context, b Batch, all []bad) error {
	g, ctx := spawn.WithContext(ctx)
	g.SetLimit(maxWriters)
	for _, x := range all {
		g.Start(func() error { return writeLetter(ctx, in.Files, b, x) })
	}
	return g.Wait()
}
