package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	// openEpoch inserts the present epoch of a run. first_epoch is the epoch in which
	// the run was opened: that of the previous epoch if it has not ended.
	openEpoch statement = `
INSERT INTO dbo.epochs (run, epoch, reason, opened_at, jobs, first_epoch)
SELECT r.id, r.epoch, @reason, @now, @jobs, COALESCE(p.first_epoch, r.epoch)
FROM dbo.runs r LEFT JOIN dbo.epochs p ON p.run = r.id AND p.epoch = r.epoch - 1 AND p.ended_at IS NULL
WHERE r.id = @run`

	endEpoch statement = `UPDATE dbo.epochs SET ended_at = @now WHERE run = @run AND epoch = @epoch`

	listEpochs statement = `
SELECT {top} e.epoch, e.reason, e.opened_at, e.ended_at, e.jobs
FROM dbo.epochs e
WHERE e.run = @run
ORDER BY e.epoch DESC {limit}`

	// presentEpoch is an expression for the epoch of run @run.
	presentEpoch = `(SELECT r.epoch FROM dbo.runs r WHERE r.id = @run)`
)

// openEpoch stores the epoch that begins in this transaction, which has opened a
// run or raised its epoch: the reason, and the number of jobs opened or re-opened.
func (c session) openEpoch(ctx context.Context, run string, why fleet.Reason, jobs int64, now time.Time) error {
	_, err := c.exec(ctx, openEpoch, sql.Named("run", run), sql.Named("reason", string(why)),
		sql.Named("jobs", jobs), sql.Named("now", c.time(now)))
	return err
}

// Epochs returns up to limit epochs of a run, the newest first.
func (db *DB) Epochs(ctx context.Context, run string, limit int) ([]fleet.Epoch, error) {
	return selectRows(ctx, db, "reading the epochs of run "+run, listEpochs, func(row scanner, e *fleet.Epoch) error {
		return row.Scan(&e.Number, &e.Reason, moment{&e.OpenedAt}, moment{&e.EndedAt}, &e.Jobs)
	}, sql.Named("run", run), sql.Named("limit", limit))
}
