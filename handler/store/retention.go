package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	expiredRuns statement = `
SELECT {top} r.id
FROM dbo.runs r
WHERE r.opened_at < @before AND r.ended_at IS NOT NULL
ORDER BY r.opened_at {limit}`

	// holdExpired locks the row of an expired run, so that no other transaction
	// re-opens the run while its jobs are deleted.
	holdExpired statement = `UPDATE dbo.runs SET epoch = epoch WHERE id = @run AND opened_at < @before AND ended_at IS NOT NULL`

	deleteAttempts statement = `DELETE FROM dbo.attempts WHERE id IN (SELECT {top} a.id FROM dbo.attempts a WHERE a.run = @run {limit})`
	deleteJobs     statement = `
DELETE FROM dbo.jobs
WHERE run = @run AND subject_id IN (SELECT {top} j.subject_id FROM dbo.jobs j WHERE j.run = @run {limit})`
	deleteEpochs    statement = `DELETE FROM dbo.epochs WHERE run = @run`
	deleteRunSums   statement = `DELETE FROM dbo.run_sums WHERE run = @run`
	deleteRunModels statement = `DELETE FROM dbo.run_models WHERE run = @run`
	deleteRun       statement = `DELETE FROM dbo.runs WHERE id = @run`

	windowsBefore statement = `
SELECT r.window_from, r.window_to
FROM dbo.runs r
WHERE r.window_from < @before
ORDER BY r.window_from`

	maxLookback statement = `
SELECT COALESCE(MAX(x.lookback), 0)
FROM (SELECT s.lookback FROM dbo.subjects s UNION ALL SELECT u.lookback FROM dbo.uses u) x`

	sensorsWithReadings statement = `
SELECT {top} s.id
FROM dbo.subjects s
WHERE s.id >= @first AND EXISTS (SELECT 1 FROM dbo.readings r WHERE r.sensor_id = s.id AND r.ts >= @from AND r.ts < @to)
ORDER BY s.id {limit}`

	// deleteReadings deletes at most @limit readings of a sensor, the oldest of
	// those in [@from, @to).
	deleteReadings statement = `
DELETE FROM dbo.readings
WHERE sensor_id = @key AND ts >= @from
  AND ts <= (SELECT MAX(o.ts)
    FROM (SELECT {top} r.ts FROM dbo.readings r WHERE r.sensor_id = @key AND r.ts >= @from AND r.ts < @to ORDER BY r.ts {limit}) o)`
)

// ExpiredRuns returns up to limit ended runs that were first opened before the
// given time, the oldest first.
func (db *DB) ExpiredRuns(ctx context.Context, before time.Time, limit int) ([]string, error) {
	return selectRows(ctx, db, "looking for expired runs", expiredRuns, scanText, sql.Named("before", db.time(before)), sql.Named("limit", limit))
}

// DeleteRun deletes a run that has ended and was first opened before the given
// time, with its jobs, attempts, epochs and sums. One call deletes up to limit jobs
// and up to limit attempts in one transaction; the last call deletes the run's own
// row. done is false if another call is needed. A run that is open or younger is
// not changed, and done is then true.
func (db *DB) DeleteRun(ctx context.Context, run string, before time.Time, limit int) (done bool, err error) {
	_, err = db.write(ctx, "deleting run "+run, func(ctx context.Context, tx session) error {
		done = true
		id := sql.Named("run", run)
		expired, err := tx.exec(ctx, holdExpired, id, sql.Named("before", tx.time(before)))
		if err != nil {
			return err
		}
		if expired == 0 {
			return errUnchanged
		}
		for _, s := range []statement{deleteAttempts, deleteJobs} {
			n, err := tx.exec(ctx, s, id, sql.Named("limit", limit))
			if err != nil {
				return err
			}
			if n == int64(limit) {
				done = false
				return nil
			}
		}
		for _, s := range []statement{deleteEpochs, deleteRunSums, deleteRunModels, deleteRun} {
			if _, err := tx.exec(ctx, s, id); err != nil {
				return err
			}
		}
		return nil
	})
	return done && err == nil, err
}

// WindowsBefore returns the windows of all runs that begin before t, the
// earliest first.
func (db *DB) WindowsBefore(ctx context.Context, t time.Time) ([]fleet.Window, error) {
	return selectRows(ctx, db, "looking for runs over old readings", windowsBefore, func(row scanner, w *fleet.Window) error {
		return row.Scan(moment{&w.From}, moment{&w.To})
	}, sql.Named("before", db.time(t)))
}

// MaxLookback returns the longest lookback of any job: the time before its window
// from which it needs readings.
func (db *DB) MaxLookback(ctx context.Context) (time.Duration, error) {
	var seconds int64
	err := db.read(ctx, "looking for the longest lookback", func(ctx context.Context, r session) error {
		_, err := r.one(ctx, maxLookback, []any{&seconds})
		return err
	})
	return time.Duration(seconds) * time.Second, err
}

// sensorsPage is the number of sensors that one query of [DB.DeleteReadings] finds.
const sensorsPage = 256

// DeleteReadings deletes readings in the window w, sensor by sensor in the order of
// their keys, in one transaction. It begins with the smallest key that is at least
// first, and stops when it has deleted limit readings or more, but less than twice
// limit. It returns the number of deleted readings, and the key to continue with,
// which is 0 if no reading is left.
func (db *DB) DeleteReadings(ctx context.Context, w fleet.Window, first int64, limit int) (deleted, next int64, err error) {
	from, to := sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To))
	_, err = db.write(ctx, "deleting old readings", func(ctx context.Context, tx session) error {
		deleted, next = 0, first
		var keys []int64
		err := tx.each(ctx, sensorsWithReadings, func(row scanner) error {
			var key int64
			err := row.Scan(&key)
			keys = append(keys, key)
			return err
		}, sql.Named("first", first), from, to, sql.Named("limit", sensorsPage))
		if err != nil {
			return err
		}
		for _, key := range keys {
			n, err := tx.exec(ctx, deleteReadings, sql.Named("key", key), from, to, sql.Named("limit", limit))
			if err != nil {
				return err
			}
			deleted += n
			if next = key; n == int64(limit) {
				return nil // this sensor may have more
			}
			next++
			if deleted >= int64(limit) {
				return nil
			}
		}
		if len(keys) < sensorsPage {
			next = 0
		}
		return nil
	})
	return deleted, next, err
}
