package store

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// InsertReadings stores a batch in one transaction. New sensors are registered
// before. A reading whose sensor and time are stored, or come earlier in the batch,
// is counted as equal if the values are equal, and rejected otherwise. A reading
// that is invalid, or that the database refuses, is rejected. All others are
// stored. The value -0 is stored as 0.
//
// InsertReadings holds the shared lock "watermark", so that a window opens before
// or after the batch. So either the window's run reads a new reading, or the
// reading is late and the same transaction inserts a mark: see [DB.ReopenLate].
//
// What is wrong about sensors is counted in that transaction too: see [fleet.Delivery].
func (db *DB) InsertReadings(ctx context.Context, readings []fleet.Reading, d fleet.Delivery) (fleet.Stored, error) {
	b := &batch{readings: readings, delivery: d}
	ids := b.check()
	keys, err := db.register(ctx, ids)
	if err != nil {
		return fleet.Stored{}, err
	}
	b.sort(keys)
	counter, err := db.faultsOf(ctx, b)
	if err != nil {
		return fleet.Stored{}, err
	}
	inserted := 0
	for {
		b.split()
		var in insertion
		if err := db.insert(ctx, &in, b.firsts, 0, counter); err != nil {
			return fleet.Stored{}, err
		}
		inserted += in.inserted
		if len(b.firsts) == 0 || len(in.refused) > 0 {
			if err := db.countAlone(ctx, counter); err != nil {
				return fleet.Stored{}, err
			}
			counter = nil
		}
		if len(in.refused) == 0 {
			return b.settle(inserted, in.conflicts), nil
		}
		// Of a refused row there may be a copy with another value, which can be stored.
		b.drop(in.refused)
	}
}

// insertion is the result of inserting rows.
type insertion struct {
	inserted  int
	conflicts []conflict
	refused   []refusal
}

// insert stores rows, which begin at index at of the batch's firsts, in one
// transaction. If the database refuses a value, insert stores the two halves
// separately, down to a single row, which is then refused. All rows at once are counted by c, if it is not nil.
func (db *DB) insert(ctx context.Context, in *insertion, rows []row, at int, c *faultCounter) error {
	if len(rows) == 0 {
		return nil
	}
	inserted, conflicts, err := db.insertOnce(ctx, rows, c)
	switch {
	case err == nil:
		in.inserted += inserted
		for _, c := range conflicts {
			in.conflicts = append(in.conflicts, conflict{c.row + at, c.stored})
		}
		return nil
	case db.faultOf(err) != badRow:
		return err
	case len(rows) == 1:
		in.refused = append(in.refused, refusal{rows[0].index, err})
		return nil
	}
	half := len(rows) / 2
	if err := db.insert(ctx, in, rows[:half], at, nil); err != nil {
		return err
	}
	return db.insert(ctx, in, rows[half:], at+half, nil)
}

func (db *DB) insertOnce(ctx context.Context, rows []row, c *faultCounter) (inserted int, conflicts []conflict, err error) {
	ctx, span := telemetry.Start(ctx, "store readings", telemetry.Client)
	defer func() { span.End(err) }()
	span.Number("fleetscore.readings", len(rows))
	err = db.retry(ctx, fmt.Sprintf("storing %d readings", len(rows)), func(ctx context.Context) error {
		inserted, conflicts, err = db.insertReadings(ctx, db.writer, rows, c)
		return err
	})
	return inserted, conflicts, err
}

// readWindow reads a sensor's readings of a window.
const readWindow statement = `
SELECT r.ts, r.value
FROM dbo.readings r
WHERE r.sensor_id = @key AND r.ts >= @from AND r.ts < @to
ORDER BY r.ts`

// Readings returns the readings of sensors in a window, ordered by device and
// sensor, bytewise, then by time. Unknown ids are ignored, and repeated ids count
// once. The readings are streamed: the sequence holds a connection until it ends.
// Such sequences use at most half of the connections, so the caller may call other
// methods meanwhile. An error ends the sequence. Errors before the first reading
// are retried.
func (db *DB) Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		ids := slices.Compact(slices.SortedFunc(slices.Values(ids), fleet.CompareID))
		keys, err := db.keysOf(ctx, ids)
		if err == nil {
			err = db.stream(ctx, ids, keys, w, yield)
		}
		if err != nil {
			yield(fleet.Reading{}, err)
		}
	}
}

func (db *DB) stream(ctx context.Context, ids []fleet.ID, keys []int64, w fleet.Window, yield func(fleet.Reading, error) bool) (err error) {
	var known []int64
	var names []fleet.ID
	for i, key := range keys {
		if key != 0 {
			known, names = append(known, key), append(names, ids[i])
		}
	}
	if len(known) == 0 {
		return nil
	}
	select {
	case db.streams <- struct{}{}:
		defer func() { <-db.streams }()
	case <-ctx.Done():
		return fmt.Errorf("store: reading %s: waiting for a connection: %w: %w", w.RunID(), fleet.ErrUnavailable, ctx.Err())
	}
	ctx, span := telemetry.Start(ctx, "read readings", telemetry.Client)
	defer func() { span.End(err) }()
	begun := false
	var broken error
	err = db.retry(ctx, "reading "+w.RunID(), func(ctx context.Context) error {
		err := db.readings(ctx, db.reader, known, w, func(i int, ts fleet.Millis, value float64) bool {
			begun = true
			return yield(fleet.Reading{ID: names[i], Time: ts, Value: value}, nil)
		})
		if err != nil && begun {
			broken = err // no retry: the caller has had some readings
			return nil
		}
		return err
	})
	if broken != nil {
		return fmt.Errorf("store: reading %s: %w: %w", w.RunID(), fleet.ErrUnavailable, broken)
	}
	return err
}
