package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// Store keeps readings.
type Store interface {
	// InsertReadings stores a batch in one transaction; see [fleet.Stored].
	// It counts the faults of sensors, once for each event.
	InsertReadings(ctx context.Context, batch []fleet.Reading, d fleet.Delivery) (fleet.Stored, error)
}

// maxInsert is the largest number of readings in a transaction. When so many are read
// from the events, they are stored.
const maxInsert = 10_000

// maxFinished is the number of finished parts of long batches that are remembered. It is
// enough for four batches whose parts are single events.
const maxFinished = 4000

// Ingester stores the readings of batches. It is safe for concurrent use.
type Ingester struct {
	Store   Store
	Files   blob.Store // dead letters, and batches that could not be stored in time
	Map     MappingSource
	Options mapping.Options
	Rules   RuleSource       // nil: the rules of Options
	Now     func() time.Time // the clock; if nil, nothing is counted
	Figures Figures          // nil if [Ingester.Record] is not called

	Metrics *telemetry.Metrics // nil if there is no collector

	total total

	begin    sync.Once
	finished *lru.Cache[string, struct{}] // the parts of long batches that are done

	mu     sync.Mutex
	failed map[string]int // per spilled batch: how often draining it failed
}

// Ingest stores the readings of b, and writes one dead letter with all elements that are
// not readings or cannot be stored. Events that are not stored shortly before ctx's
// deadline are spilled to Blob for [Ingester.Drain]. Ingest returns nil when each event
// is stored, in the dead letter or spilled. Its errors wrap
// [fleet.ErrUnavailable]. It logs a line if something was rejected, another if
// something was spilled, and once a minute what was ingested since.
func (in *Ingester) Ingest(ctx context.Context, log *slog.Logger, b Batch) error {
	if !b.Part {
		return in.ingest(ctx, log, b)
	}
	in.begin.Do(func() { in.finished, _ = lru.New[string, struct{}](maxFinished) }) // New fails only if the size is not positive
	name := spillName(b)
	if in.finished.Contains(name) {
		return nil
	}
	err := in.ingest(ctx, log, b)
	if err == nil {
		in.finished.Add(name, struct{}{})
	}
	return err
}

// ingest is Ingest without the check for parts that are done.
func (in *Ingester) ingest(ctx context.Context, log *slog.Logger, b Batch) error {
	early, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		early, cancel = context.WithDeadline(ctx, deadline.Add(-spillTime))
	}
	defer cancel()
	if b.Length > 0 {
		return in.rejectLong(ctx, log, b)
	}
	done, reason, err := in.store(ctx, early, log, b)
	if err != nil {
		return err
	}
	if done < len(b.Bodies) {
		return in.spill(ctx, log, b.from(done), reason)
	}
	return nil
}

// rejectLong writes the dead letter of an event that is too long to be read. Only its
// beginning is known.
func (in *Ingester) rejectLong(ctx context.Context, log *slog.Logger, b Batch) error {
	reason := fmt.Errorf("%w: the event has about %d bytes, more than can be read; raw is its beginning", fleet.ErrInvalid, b.Length)
	refused := []mapping.Refused{{Origin: mapping.Origin{Element: -1, Raw: b.Bodies[0]}, Count: 1, Err: reason}}
	letter, err := in.reject(ctx, log, b, "", refused)
	if err != nil {
		return err
	}
	in.count(ctx, log, b, fleet.Ingested{Events: 1}, refused, letter)
	return nil
}

// errLate is the reason for which events are spilled if there is no time to store them.
var errLate = errors.New("the invocation's time is over")

// store stores as many events of b as it can before early ends. Then it writes their dead
// letter, before ctx ends. It returns the number of events that are done, and the reason
// if these are not all. The error is that of writing the dead letter.
func (in *Ingester) store(ctx, early context.Context, log *slog.Logger, b Batch) (done int, reason, err error) {
	m, by, err := in.Map.Mapping(early, log)
	if err != nil {
		return 0, err, nil
	}
	opt := in.Options
	if in.Rules != nil {
		if opt.Rules, err = in.Rules.Rules(early, log); err != nil {
			return 0, err, nil
		}
	}
	var sum fleet.Ingested
	var refused []mapping.Refused
	r := mapping.NewReader(m, opt, len(b.Bodies))
	detail := b.detail
	for i := 0; i < len(b.Bodies); {
		begin := i
		for i < len(b.Bodies) && len(r.Readings) < maxInsert && early.Err() == nil {
			r.Read(i, mapping.Event{Body: b.Bodies[i], Enqueued: b.enqueued(i), Partition: b.Partition, Detail: detail})
			i++
		}
		if i == begin {
			reason = errLate
			break
		}
		stored, err := in.insert(early, b, &r.Found, begin, i)
		if err != nil {
			reason = err
			break
		}
		done = i
		refused = append(refused, r.Refused...)
		for _, x := range stored.Rejected {
			refused = append(refused, mapping.Refused{Origin: r.Origins[x.Index], Count: 1, Reading: &r.Readings[x.Index], Err: x.Err})
		}
		add(&sum, len(r.Readings), r.Copies, r.Missing, stored)
		r.Reset()
	}
	letter, err := in.reject(ctx, log, b, by, toDeadLetter(refused))
	if err != nil {
		return 0, nil, err
	}
	sum.Events = done
	in.count(ctx, log, b, sum, refused, letter)
	return done, reason, nil
}

// insert stores the readings found in the events of b from begin to end, in several
// transactions. Indices in the result are positions in the readings found.
func (in *Ingester) insert(ctx context.Context, b Batch, found *mapping.Found, begin, end int) (all fleet.Stored, err error) {
	faults := found.Faults
	for at := 0; at < len(found.Readings) || at == 0 && len(faults) > 0; at += maxInsert {
		piece := found.Readings[at:min(at+maxInsert, len(found.Readings))]
		done := end // the events up to here are complete with this transaction
		if next := at + len(piece); next < len(found.Readings) {
			done = found.Origins[next].Event
		}
		n := 0
		for n < len(faults) && faults[n].Event < done {
			n++
		}
		stored, err := in.Store.InsertReadings(ctx, piece, b.delivery(found.Origins[at:], faults[:n], begin, done))
		if err != nil {
			return all, err
		}
		faults = faults[n:]
		all.Inserted += stored.Inserted
		all.Equal += stored.Equal
		for _, r := range stored.Rejected {
			r.Index += at
			all.Rejected = append(all.Rejected, r)
		}
	}
	return all, nil
}

// retry wraps err in [fleet.ErrUnavailable], whatever it is, so that the host delivers the
// batch again. Otherwise it would be acknowledged without being stored, and lost. Doing is a
// format for the number n of events.
func retry(doing string, n int, err error) error {
	return fmt.Errorf("ingest: "+doing+": %w: %w", n, fleet.ErrUnavailable, err)
}
