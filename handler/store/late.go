package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	firstLate statement = `
SELECT {top} m.id
FROM dbo.late_marks m
WHERE m.run = (SELECT MIN(x.run) FROM dbo.late_marks x)
ORDER BY m.sensor_id, m.id {limit}`

	// lateSensors selects the jobs of the marked sensors in the runs whose windows
	// have the readings. It leaves out runs that are cancelled or opened before
	// @oldest, and sensors that have no job and are not to get one.
	lateSensors statement = `
SELECT DISTINCT r.id, m.sensor_id
FROM {k:mark} JOIN dbo.late_marks m ON m.id = k.mark
  JOIN dbo.runs r ON r.id = m.run AND r.window_from <= m.ts
  JOIN dbo.subjects s ON s.id = m.sensor_id
  LEFT JOIN dbo.jobs j ON j.run = r.id AND j.subject_id = m.sensor_id
WHERE r.opened_at >= @oldest AND r.state NOT IN ('cancelling', 'cancelled') AND (j.run IS NOT NULL OR s.enabled = 1 AND s.judged = 1)`

	// lateModels selects the jobs of the device models that use the marked sensors,
	// in each scheduled run whose rows look back to the readings. The lookback of a
	// job is the one that it was bound to. The lookback of a missing job is that of
	// its model now.
	lateModels statement = `
SELECT DISTINCT r.id, u.subject_id
FROM {k:mark} JOIN dbo.late_marks m ON m.id = k.mark
  JOIN dbo.runs w ON w.id = m.run
  JOIN dbo.uses u ON u.sensor_id = m.sensor_id
  JOIN dbo.subjects s ON s.id = u.subject_id
  JOIN dbo.runs r {by:runs_scheduled} ON r.kind = 'scheduled' AND r.window_from >= w.window_from AND r.window_from <= {later:m.ts,u.lookback}
  LEFT JOIN dbo.jobs j ON j.run = r.id AND j.subject_id = u.subject_id
WHERE r.opened_at >= @oldest AND r.state NOT IN ('cancelling', 'cancelled')
  AND (j.run IS NOT NULL AND r.window_from <= {later:m.ts,j.lookback}
    OR j.run IS NULL AND s.enabled = 1 AND s.judged = 1 AND r.window_from <= {later:m.ts,s.lookback})`

	raiseForLate statement = raiseEpoch + `AND state NOT IN ('cancelling', 'cancelled')`

	deleteMarks statement = `DELETE FROM dbo.late_marks WHERE id IN (SELECT k.mark FROM {k:mark})`
)

// maxLateJobs is the largest number of jobs that one transaction re-opens for late
// readings, unless a single mark concerns more. If a model looks back for a week, a
// late reading re-opens its jobs in 169 hourly runs.
const maxLateJobs = 10_000

// ReopenLate takes up to limit marks of late readings. All are of the oldest window
// that has marks. If they concern many jobs it takes fewer. In one transaction
//
//   - it re-opens, at their next revisions, the jobs whose rows the readings change:
//     in the window's run, and in runs that look back to it;
//   - it adds such jobs where they are missing;
//   - it sets these runs running and raises their epochs;
//   - it deletes the marks.
//
// A run that is cancelled or was first opened before oldest is not changed.
//
// ReopenLate returns the number of marks that it took, and the runs. If another
// call took the same marks first, nothing is changed and runs is empty.
func (db *DB) ReopenLate(ctx context.Context, limit int, now, oldest time.Time) (marks int, runs []fleet.Reopened, err error) {
	first, err := db.firstLate(ctx, limit)
	if err != nil || len(first.values) == 0 {
		return 0, nil, err
	}
	changed, err := db.write(ctx, "re-opening for late readings", func(ctx context.Context, tx session) error {
		runs = nil
		if err := tx.assignAll(ctx); err != nil {
			return err
		}
		taken := first
		jobs, n, err := tx.lateJobs(ctx, taken, oldest)
		for err == nil && n > maxLateJobs && len(taken.values) > 1 {
			taken.values = taken.values[:max(1, len(taken.values)*maxLateJobs/n)]
			jobs, n, err = tx.lateJobs(ctx, taken, oldest)
		}
		if err != nil {
			return err
		}
		marks = len(taken.values)
		for _, run := range slices.Sorted(maps.Keys(jobs)) {
			late, err := tx.reopenLate(ctx, run, jobs[run], now)
			if err != nil {
				return err
			}
			runs = append(runs, late)
		}
		deleted, err := tx.execList(ctx, deleteMarks, taken)
		if err == nil && deleted == 0 {
			return errUnchanged
		}
		return err
	})
	if !changed {
		runs = nil
	}
	return marks, runs, err
}

// lateJobs returns the keys of the subjects whose jobs late readings change, by run,
// and the number of these jobs.
func (c session) lateJobs(ctx context.Context, marks list, oldest time.Time) (jobs map[string][]int64, n int, err error) {
	jobs = map[string][]int64{}
	for _, s := range []statement{lateSensors, lateModels} {
		err := c.eachList(ctx, s, marks, func(row scanner) error {
			var run string
			var subject int64
			err := row.Scan(&run, &subject)
			jobs[run] = append(jobs[run], subject)
			n++
			return err
		}, sql.Named("oldest", c.time(oldest)))
		if err != nil {
			return nil, 0, err
		}
	}
	return jobs, n, nil
}

// reopenLate re-opens jobs of a run, unless the run has been cancelled since.
func (c session) reopenLate(ctx context.Context, run string, jobs []int64, now time.Time) (fleet.Reopened, error) {
	late := fleet.Reopened{Run: run}
	raised, err := c.exec(ctx, raiseForLate, sql.Named("run", run))
	if err != nil || raised == 0 {
		return late, err
	}
	slices.Sort(jobs)
	if late.Again, late.Added, err = c.reopenListed(ctx, run, keyList(slices.Compact(jobs))); err != nil {
		return late, err
	}
	return late, c.openEpoch(ctx, run, fleet.ByLateReading, int64(late.Again+late.Added), now)
}

// reopenListed re-opens the jobs of a run for these subjects, and adds those
// that are missing.
func (c session) reopenListed(ctx context.Context, run string, subjects list) (reopened, added int, err error) {
	n, err := c.execList(ctx, reopenListed, subjects, sql.Named("run", run))
	if err != nil {
		return 0, 0, err
	}
	m, err := c.execList(ctx, insertListed, subjects, sql.Named("run", run))
	return int(n), int(m), err
}

// firstLate returns up to limit marks of the oldest run that has marks.
func (db *DB) firstLate(ctx context.Context, limit int) (list, error) {
	var ids []int64
	err := db.read(ctx, "looking for late readings", func(ctx context.Context, r session) error {
		ids = nil
		return r.each(ctx, firstLate, func(row scanner) error {
			var id int64
			err := row.Scan(&id)
			ids = append(ids, id)
			return err
		}, sql.Named("limit", limit))
	})
	return keyList(ids), err
}
