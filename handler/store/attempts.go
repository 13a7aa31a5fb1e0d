package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	insertAttempt statement = `
INSERT INTO dbo.attempts (run, subject_id, revision, at, own, error)
SELECT @run, @subject, @revision, @at, @own, @error
WHERE NOT EXISTS (SELECT 1 FROM dbo.attempts WHERE` + thisJob + `AND at = @at AND error = @error)`

	listAttempts statement = `SELECT at, own, error FROM dbo.attempts WHERE` + thisJob + `ORDER BY id`

	notePoisoned statement = `UPDATE dbo.jobs SET poisoned = 1 WHERE` + thisJob + `AND state = 'queued'`
	isPoisoned   statement = `SELECT poisoned FROM dbo.jobs WHERE` + thisJob
)

// AddAttempt stores an attempt at a job. Its error is cut at 2,000 bytes. An
// attempt that is stored already, with the same time and error, is not added again.
func (db *DB) AddAttempt(ctx context.Context, run string, key fleet.JobKey, a fleet.Attempt) error {
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return err
	}
	own := 0
	if a.Own {
		own = 1
	}
	_, err = db.update(ctx, fmt.Sprintf("noting an attempt at job %s of run %s", key.ID, run), insertAttempt,
		append(job, sql.Named("at", db.time(a.At)), sql.Named("own", own), sql.Named("error", cut(a.Err)))...)
	return err
}

// Attempts returns the attempts at a job at that revision, the oldest first.
func (db *DB) Attempts(ctx context.Context, run string, key fleet.JobKey) ([]fleet.Attempt, error) {
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return nil, err
	}
	return selectRows(ctx, db, fmt.Sprintf("reading attempts at job %s of run %s", key.ID, run), listAttempts, func(row scanner, a *fleet.Attempt) error {
		var own int
		err := row.Scan(moment{&a.At}, &own, &a.Err)
		a.Own = own != 0
		return err
	}, job...)
}

// NotePoisoned stores that the function poison sent this job in a message of its
// own. It changes nothing if the job is no longer queued at that revision.
func (db *DB) NotePoisoned(ctx context.Context, run string, key fleet.JobKey) error {
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return err
	}
	_, err = db.update(ctx, fmt.Sprintf("noting poison of job %s of run %s", key.ID, run), notePoisoned, job...)
	return err
}

// Poisoned reports whether the function poison has sent this job in a message of
// its own at that revision.
func (db *DB) Poisoned(ctx context.Context, run string, key fleet.JobKey) (bool, error) {
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return false, err
	}
	var n int
	err = db.read(ctx, fmt.Sprintf("reading poison of job %s of run %s", key.ID, run), func(ctx context.Context, r session) error {
		_, err := r.one(ctx, isPoisoned, []any{&n}, job...)
		return err
	})
	return n != 0, err
}
