package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	unsentJobs statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.state = 'queued' AND j.sent_at IS NULL
ORDER BY j.run, j.subject_id {limit}`

	unsentOfRun statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run AND j.state = 'queued' AND j.sent_at IS NULL
ORDER BY j.run, j.subject_id {limit}`

	lostJobs statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.state = 'queued' AND (j.sent_at < @before OR j.sent_at > @after)
ORDER BY j.run, j.subject_id {limit}`

	// markSent counts a sending once, even if the statement runs twice because its
	// first answer was lost.
	markSent statement = `
UPDATE dbo.jobs
SET sends = CASE WHEN sent_at = @now THEN sends ELSE sends + 1 END, sent_at = @now
FROM {k:subject_key,rev}
WHERE run = @run AND subject_id = k.subject_key AND revision = k.rev AND state = 'queued'`
)

// Unsent returns up to limit queued jobs for which no message has been sent at
// their revision. They are of one run, or of all runs if run is "". The jobs of a
// run follow one another, the oldest window first.
func (db *DB) Unsent(ctx context.Context, run string, limit int) ([]fleet.Job, error) {
	const op = "looking for jobs to send"
	if run == "" {
		return db.jobs(ctx, op, unsentJobs, sql.Named("limit", limit))
	}
	return db.jobs(ctx, op, unsentOfRun, sql.Named("run", run), sql.Named("limit", limit))
}

// Lost returns up to limit queued jobs whose last message was sent more than
// patience before now. The jobs of a run follow one another, the oldest window
// first. A message sent more than patience after now counts too: the clock has
// been set back since.
func (db *DB) Lost(ctx context.Context, now time.Time, patience time.Duration, limit int) ([]fleet.Job, error) {
	return db.jobs(ctx, "looking for lost jobs", lostJobs,
		sql.Named("before", db.time(now.Add(-patience))), sql.Named("after", db.time(now.Add(patience))), sql.Named("limit", limit))
}

// MarkSent stores that messages for these jobs of a run were sent at the given
// time. Jobs that are no longer queued at that revision are not changed. Marking
// twice with the same time counts once.
func (db *DB) MarkSent(ctx context.Context, run string, jobs []fleet.JobKey, now time.Time) error {
	ids := make([]fleet.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	keys, err := db.keysOf(ctx, ids)
	if err != nil {
		return err
	}
	l := list{pad: []any{int64(0), 0}}
	for i, key := range keys {
		if key != 0 {
			l.values = append(l.values, key, jobs[i].Revision)
		}
	}
	_, err = db.write(ctx, fmt.Sprintf("marking %d jobs of run %s as sent", len(jobs), run), func(ctx context.Context, tx session) error {
		_, err := tx.execList(ctx, markSent, l, sql.Named("run", run), sql.Named("now", tx.time(now)))
		return err
	})
	return err
}
