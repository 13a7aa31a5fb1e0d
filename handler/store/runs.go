package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// covered is 1 if r is a requested run whose window overlaps that of a scheduled run,
// and 0 otherwise. Scheduled windows do not overlap. So only the first that ends
// after r's begin needs to be compared.
const covered = `CASE WHEN r.kind = 'requested' AND EXISTS (
  SELECT 1 FROM dbo.runs s
  WHERE s.kind = 'scheduled' AND s.window_from < r.window_to
    AND s.window_to = (SELECT MIN(u.window_to) FROM dbo.runs u WHERE u.kind = 'scheduled' AND u.window_to > r.window_from)) THEN 1 ELSE 0 END`

// runRows joins the runs r with their present epoch e, and with the epoch f in which
// they were last opened.
const (
	runColumns = `r.id, r.window_from, r.window_to, r.kind, r.state, r.epoch, r.aggregate, r.max_failed, r.opened_at, r.ended_at, ` + covered + `, e.reason, f.epoch, f.reason, f.opened_at, r.jobs, r.failed, r.predictions, r.anomalies`
	runRows    = `dbo.runs r JOIN dbo.epochs e ON e.run = r.id AND e.epoch = r.epoch JOIN dbo.epochs f ON f.run = r.id AND f.epoch = e.first_epoch`
)

const (
	getRun statement = `SELECT ` + runColumns + ` FROM ` + runRows + ` WHERE r.id = @run`

	listRuns statement = `
SELECT {top} ` + runColumns + `
FROM ` + runRows + `
WHERE r.id < @before
ORDER BY r.id DESC {limit}`

	insertRun statement = `
INSERT INTO dbo.runs (id, window_from, window_to, kind, state, aggregate, max_failed, opened_at)
VALUES (@run, @from, @to, @kind, 'running', @aggregate, @max_failed, @now)`

	// insertJobs adds a job for each enabled and judged subject that has none in the run.
	insertJobs statement = `
INSERT INTO dbo.jobs (run, subject_id, lookback, epoch)
SELECT @run, s.id, s.lookback, ` + presentEpoch + `
FROM dbo.subjects s
WHERE s.enabled = 1 AND s.judged = 1 AND NOT EXISTS (SELECT 1 FROM dbo.jobs j WHERE j.run = @run AND j.subject_id = s.id)`

	runsToEnd statement = `
SELECT r.id
FROM dbo.runs r
WHERE r.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM dbo.jobs j WHERE j.run = r.id AND j.state = 'queued')
ORDER BY r.id`

	insertRunModels statement = `
INSERT INTO dbo.run_models (run, item, model, model_sha256, jobs, predictions, anomalies)
SELECT @run, k.item, k.model, k.model_sha256, k.jobs, k.predictions, k.anomalies
FROM {k:item,model,model_sha256,jobs,predictions,anomalies}
WHERE k.item <> 0`

	endRun statement = `
UPDATE dbo.runs
SET state = @state, ended_at = @now, jobs = @jobs, failed = @failed, predictions = @predictions, anomalies = @anomalies
WHERE id = @run AND epoch = @epoch AND ended_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM dbo.jobs j WHERE j.run = @run AND j.state = 'queued')`

	cancelRun  statement = `UPDATE dbo.runs SET state = 'cancelling', epoch = epoch + 1 WHERE id = @run AND state = 'running'`
	cancelJobs statement = `UPDATE dbo.jobs SET state = 'cancelled', closed_at = @now WHERE run = @run AND state = 'queued'`
)

// Run returns a run. The error wraps [fleet.ErrNotFound] if there is no such run.
func (db *DB) Run(ctx context.Context, id string) (run fleet.Run, err error) {
	err = db.read(ctx, "reading run "+id, func(ctx context.Context, r session) error {
		var ok bool
		run, ok, err = r.run(ctx, id)
		if err == nil && !ok {
			return fleet.ErrNotFound
		}
		return err
	})
	return run, err
}

func (c session) run(ctx context.Context, id string) (run fleet.Run, ok bool, err error) {
	err = c.each(ctx, getRun, func(row scanner) error {
		ok = true
		return scanRun(row, &run)
	}, sql.Named("run", id))
	return run, ok, err
}

func scanRun(row scanner, r *fleet.Run) error {
	return row.Scan(&r.ID, moment{&r.Window.From}, moment{&r.Window.To}, &r.Kind, &r.State, &r.Epoch,
		&r.Settings.Aggregate, &r.Settings.MaxFailed, moment{&r.OpenedAt}, moment{&r.EndedAt}, &r.Covered, &r.Reason,
		&r.Opening.Epoch, &r.Opening.Reason, moment{&r.Opening.At},
		&r.Sum.Jobs, &r.Sum.Failed, &r.Sum.Rows, &r.Sum.Anomalies)
}

// Runs returns up to limit runs whose ids sort before the given one, the newest
// window first. "" is after all.
func (db *DB) Runs(ctx context.Context, before string, limit int) ([]fleet.Run, error) {
	if before == "" {
		before = "~" // ids begin with a digit
	}
	return selectRows(ctx, db, "listing runs", listRuns, scanRun, sql.Named("before", before), sql.Named("limit", limit))
}

// OpenRequested opens a requested run over w in one transaction, with a job for
// each enabled and judged subject that matches. If match is nil, all match. If there
// is a run over w already, it is returned unchanged, and created is false.
func (db *DB) OpenRequested(ctx context.Context, w fleet.Window, match func(fleet.ID) bool, s fleet.Settings, now time.Time) (run fleet.Run, created bool, err error) {
	_, err = db.write(ctx, "opening run "+w.RunID(), func(ctx context.Context, tx session) error {
		var exists bool
		if run, exists, err = tx.run(ctx, w.RunID()); err != nil || exists {
			created = false
			return err
		}
		if err := tx.openRun(ctx, w, fleet.Requested, match, s, now); err != nil {
			return err
		}
		created = true
		run, _, err = tx.run(ctx, w.RunID())
		return err
	})
	if err != nil {
		return fleet.Run{}, false, err
	}
	return run, created, nil
}

// openRun inserts a run, with jobs for the subjects that match: all if match is nil.
func (c session) openRun(ctx context.Context, w fleet.Window, kind fleet.RunKind, match func(fleet.ID) bool, s fleet.Settings, now time.Time) error {
	id := sql.Named("run", w.RunID())
	_, err := c.exec(ctx, insertRun, id, sql.Named("from", c.time(w.From)), sql.Named("to", c.time(w.To)),
		sql.Named("kind", string(kind)), sql.Named("aggregate", s.Aggregate), sql.Named("max_failed", s.MaxFailed), sql.Named("now", c.time(now)))
	if err != nil {
		return err
	}
	var jobs int64
	if match == nil {
		jobs, err = c.insertJobs(ctx, id)
	} else {
		var added int
		added, err = c.addMatching(ctx, w.RunID(), match)
		jobs = int64(added)
	}
	if err != nil {
		return err
	}
	why := fleet.ByRequest
	if kind == fleet.Scheduled {
		why = fleet.BySchedule
	}
	return c.openEpoch(ctx, w.RunID(), why, jobs, now)
}

// insertJobs adds a job for each enabled and judged subject that has none in the
// run. It returns the number of jobs added.
func (c session) insertJobs(ctx context.Context, run any) (int64, error) {
	if err := c.assignAll(ctx); err != nil {
		return 0, err
	}
	return c.exec(ctx, insertJobs, run)
}

// RunsToEnd returns the open runs without a queued job, the oldest window first.
func (db *DB) RunsToEnd(ctx context.Context) ([]string, error) {
	return selectRows(ctx, db, "looking for runs to end", runsToEnd, scanText)
}

// EndRun ends a run in the given state, if it is still open at that epoch and has no
// queued job. The same transaction stores the sums of the run's jobs, for [DB.RunSums]
// and [DB.Versions]. EndRun reports whether this call ended the run. The error wraps
// [fleet.ErrInvalid] if state is not one in which a run ends.
func (db *DB) EndRun(ctx context.Context, run string, epoch int, state fleet.RunState, sums fleet.RunSums, now time.Time) (bool, error) {
	if state.Open() {
		return false, fmt.Errorf("store: ending run %s: %w: %s is no end", run, fleet.ErrInvalid, state)
	}
	return db.write(ctx, "ending run "+run, func(ctx context.Context, tx session) error {
		args := []any{sql.Named("run", run), sql.Named("epoch", epoch), sql.Named("now", tx.time(now))}
		n, err := tx.exec(ctx, endRun, append(args, sql.Named("state", string(state)),
			sql.Named("jobs", sums.Run.Jobs), sql.Named("failed", sums.Run.Failed), sql.Named("predictions", sums.Run.Rows), sql.Named("anomalies", sums.Run.Anomalies))...)
		if err != nil {
			return err
		}
		if n == 0 {
			return errUnchanged
		}
		if _, err := tx.exec(ctx, endEpoch, args...); err != nil {
			return err
		}
		return tx.putRunSums(ctx, run, sums)
	})
}

// putRunSums stores the sums of a run's jobs in place of those of an earlier epoch.
func (c session) putRunSums(ctx context.Context, run string, sums fleet.RunSums) error {
	id := sql.Named("run", run)
	devices := []any{id, sql.Named("devices", []byte(sums.Devices))}
	if err := c.addOrInsert(ctx, updateRunSums, insertRunSums, devices, devices); err != nil {
		return err
	}
	if _, err := c.exec(ctx, deleteRunModels, id); err != nil {
		return err
	}
	rows := list{pad: []any{0, "", "", 0, 0, 0}}
	for i, m := range sums.Models {
		rows.values = append(rows.values, i+1, m.Model, m.SHA256, m.Jobs, m.Rows, m.Anomalies)
	}
	_, err := c.execList(ctx, insertRunModels, rows, id)
	return err
}

// Cancel sets a running run cancelling, raises its epoch, and closes its queued
// jobs as cancelled, in one transaction. It does nothing if the run is cancelling
// already. The error wraps [fleet.ErrNotFound] if there is no such run, and
// [fleet.ErrConflict] if the run has ended.
func (db *DB) Cancel(ctx context.Context, run string, now time.Time) error {
	_, err := db.write(ctx, "cancelling run "+run, func(ctx context.Context, tx session) error {
		n, err := tx.exec(ctx, cancelRun, sql.Named("run", run))
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.whyNotCancelled(ctx, run)
		}
		if _, err := tx.exec(ctx, cancelJobs, sql.Named("run", run), sql.Named("now", tx.time(now))); err != nil {
			return err
		}
		return tx.openEpoch(ctx, run, fleet.ByCancel, 0, now)
	})
	return err
}

func (c session) whyNotCancelled(ctx context.Context, id string) error {
	run, ok, err := c.run(ctx, id)
	switch {
	case err != nil:
		return err
	case !ok:
		return fleet.ErrNotFound
	case run.State == fleet.RunCancelling:
		return errUnchanged
	}
	return fmt.Errorf("%w: it has ended as %s", fleet.ErrConflict, run.State)
}
