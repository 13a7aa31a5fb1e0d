package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	getWatermark statement = `SELECT upto FROM dbo.watermark WHERE id = 1`

	initWatermark statement = `
INSERT INTO dbo.watermark (id, upto)
SELECT 1, @upto
WHERE NOT EXISTS (SELECT 1 FROM dbo.watermark WHERE id = 1)`

	moveWatermark statement = `UPDATE dbo.watermark SET upto = @to WHERE id = 1 AND upto = @from`

	// countOpen counts the runs that the schedule opened and that have not ended
	// since. It leaves out runs that were re-opened for another reason.
	countOpen statement = `
SELECT COUNT(*)
FROM dbo.runs r JOIN dbo.epochs e ON e.run = r.id AND e.epoch = r.epoch
WHERE r.ended_at IS NULL AND r.kind = 'scheduled'
  AND EXISTS (SELECT 1 FROM dbo.epochs x WHERE x.run = r.id AND x.epoch >= e.first_epoch AND x.reason = 'schedule')`

	// adoptRun makes a run of any kind and state scheduled and running.
	adoptRun statement = `
UPDATE dbo.runs
SET kind = 'scheduled', state = 'running', epoch = epoch + 1, ended_at = NULL
WHERE id = @run`

	reopenJobs statement = `UPDATE dbo.jobs SET ` + reopened + ` WHERE run = @run`
)

// Watermark returns the end of the last scheduled window that was opened. ok is
// false before [DB.InitWatermark].
func (db *DB) Watermark(ctx context.Context) (upto time.Time, ok bool, err error) {
	err = db.read(ctx, "reading the watermark", func(ctx context.Context, r session) error {
		ok, err = r.one(ctx, getWatermark, []any{moment{&upto}})
		return err
	})
	return upto, ok, err
}

// InitWatermark sets the watermark if there is none, and then counts the readings
// before it for [DB.TakeUncovered].
func (db *DB) InitWatermark(ctx context.Context, t time.Time) error {
	_, err := db.write(ctx, "setting the watermark", func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, watermarkLock, exclusive); err != nil {
			return err
		}
		set, err := tx.exec(ctx, initWatermark, sql.Named("upto", tx.time(t)))
		if err != nil || set == 0 {
			return err
		}
		_, err = tx.exec(ctx, noteEarlier, sql.Named("upto", tx.time(t)))
		return err
	})
	return err
}

// OpenScheduled opens the scheduled run over w, with a job for each enabled and
// judged subject, and moves the watermark from w.From to w.To, in one transaction.
//
// A run over w that was requested before is adopted: it becomes scheduled and
// running, its epoch is raised, all its jobs are re-opened, and missing ones are
// added. Its settings stay.
//
// OpenScheduled returns false and does nothing if the watermark is not w.From, or if
// maxOpen or more runs that the schedule opened have not ended.
func (db *DB) OpenScheduled(ctx context.Context, w fleet.Window, s fleet.Settings, now time.Time, maxOpen int) (bool, error) {
	return db.write(ctx, "opening run "+w.RunID(), func(ctx context.Context, tx session) error {
		if err := db.lock(ctx, tx, watermarkLock, exclusive); err != nil {
			return err
		}
		moved, err := tx.exec(ctx, moveWatermark, sql.Named("from", tx.time(w.From)), sql.Named("to", tx.time(w.To)))
		if err != nil {
			return err
		}
		var open int
		if _, err := tx.one(ctx, countOpen, []any{&open}); err != nil {
			return err
		}
		if moved == 0 || open >= maxOpen {
			return errUnchanged
		}
		adopted, err := tx.adopt(ctx, w.RunID(), now)
		if err != nil || adopted {
			return err
		}
		return tx.openRun(ctx, w, fleet.Scheduled, nil, s, now)
	})
}

// adopt re-opens a run as a scheduled one and reports whether it exists.
func (c session) adopt(ctx context.Context, run string, now time.Time) (bool, error) {
	id := sql.Named("run", run)
	n, err := c.exec(ctx, adoptRun, id)
	if err != nil || n == 0 {
		return false, err
	}
	reopened, err := c.exec(ctx, reopenJobs, id)
	if err != nil {
		return false, err
	}
	added, err := c.insertJobs(ctx, id)
	if err != nil {
		return false, err
	}
	return true, c.openEpoch(ctx, run, fleet.BySchedule, reopened+added, now)
}
