package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	// isLate is true of a reading k.ts that is not stored yet and that the
	// scheduled run r covers. Their windows tile time, so that is the last one
	// to begin by then, if it reaches so far.
	isLate = `
  r.kind = 'scheduled' AND r.window_to > k.ts
  AND r.window_from = (SELECT MAX(x.window_from) FROM dbo.runs x WHERE x.kind = 'scheduled' AND x.window_from <= k.ts)
  AND NOT EXISTS (SELECT 1 FROM dbo.readings o WHERE o.sensor_id = k.sensor_id AND o.ts = k.ts)`

	// markLate marks, of the late rows given, those that are new.
	markLate statement = `
INSERT INTO dbo.late_marks (run, sensor_id)
SELECT DISTINCT r.id, k.sensor_id
FROM {k:sensor_id,ts} CROSS JOIN dbo.runs r
WHERE k.sensor_id <> 0 AND` + isLate

	firstLate statement = `
SELECT {top} m.run, m.sensor_id, m.id
FROM dbo.late_marks m
WHERE m.run = (SELECT MIN(x.run) FROM dbo.late_marks x)
ORDER BY m.sensor_id, m.id {limit}`

	// raiseForLate leaves alone a run that was cancelled, and one of whose
	// marks all are of disabled sensors without a job.
	raiseForLate statement = raiseEpoch + `AND state NOT IN ('cancelling', 'cancelled')
  AND EXISTS (SELECT 1
    FROM dbo.late_marks m JOIN dbo.sensors s ON s.id = m.sensor_id
    WHERE m.run = @run AND (s.enabled = 1 OR EXISTS (SELECT 1 FROM dbo.jobs j WHERE j.run = @run AND j.sensor_id = m.sensor_id)))`

	deleteMarks statement = `DELETE FROM dbo.late_marks WHERE id IN (SELECT k.mark FROM {k:mark})`
)

// before reports whether r lies before t.
func (r row) before(t time.Time) bool { return r.ts < fleet.MillisOf(t) }

// ReopenLate takes up to limit marks of late readings, all of one run, that of
// the oldest window. In one transaction it re-opens, at their next revisions,
// the jobs of the sensors marked, adds those that are missing, sets the run
// running and raises its epoch, and deletes the marks. Marks of a run that is
// cancelled or gone, and of a disabled sensor without a job, are only deleted.
// It returns the run, "" if there is no mark. If another call was faster,
// nothing has been done, and none reopened or added.
func (db *DB) ReopenLate(ctx context.Context, limit int, now time.Time) (run string, reopened, added int, err error) {
	run, marks, jobs, err := db.firstLate(ctx, limit)
	if err != nil || run == "" {
		return "", 0, 0, err
	}
	_, err = db.write(ctx, "re-opening run "+run+" for late readings", func(ctx context.Context, tx session) error {
		reopened, added = 0, 0
		raised, err := tx.exec(ctx, raiseForLate, sql.Named("run", run))
		if err != nil {
			return err
		}
		if raised > 0 {
			if reopened, added, err = tx.reopenListed(ctx, run, jobs); err != nil {
				return err
			}
			if err := tx.openEpoch(ctx, run, fleet.ByLateReading, int64(reopened+added), now); err != nil {
				return err
			}
		}
		deleted, err := tx.execList(ctx, deleteMarks, marks)
		if err == nil && deleted == 0 {
			reopened, added = 0, 0
			return errUnchanged
		}
		return err
	})
	return run, reopened, added, err
}

// reopenListed re-opens the jobs of a run for these sensors, and adds those
// that are missing.
func (c session) reopenListed(ctx context.Context, run string, sensors list) (reopened, added int, err error) {
	n, err := c.execList(ctx, reopenListed, sensors, sql.Named("run", run))
	if err != nil {
		return 0, 0, err
	}
	m, err := c.execList(ctx, insertListed, sensors, sql.Named("run", run))
	return int(n), int(m), err
}

// firstLate returns the first run with marks, and lists of up to limit of these
// and of the sensors that they name.
func (db *DB) firstLate(ctx context.Context, limit int) (run string, marks, sensors list, err error) {
	var keys, ids []int64
	err = db.read(ctx, "looking for late readings", func(ctx context.Context, r session) error {
		run, keys, ids = "", nil, nil
		return r.each(ctx, firstLate, func(row scanner) error {
			var key, id int64
			err := row.Scan(&run, &key, &id)
			keys, ids = append(keys, key), append(ids, id)
			return err
		}, sql.Named("limit", limit))
	})
	return run, keyList(ids), keyList(slices.Compact(keys)), err
}
