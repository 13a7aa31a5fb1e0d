package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	jobColumns = `j.run, s.device, s.name, s.kind, j.revision, j.state, j.sent_at, j.sends, j.closed_at, j.predictions, j.anomalies,
       j.empty_buckets, j.duration_us, j.model, j.model_sha256, j.attributes, j.csv_sha256, j.error, j.lookback, j.epoch`

	// reopened is the SET list that re-opens a job.
	reopened = `state = 'queued', revision = revision + 1, sent_at = NULL, sends = 0, poisoned = 0, closed_at = NULL,
    predictions = 0, anomalies = 0, anomalous_rows = '', empty_buckets = 0, duration_us = 0, model = '', model_sha256 = '', attributes = '', csv_sha256 = '', error = '',
    epoch = ` + presentEpoch

	closed = `state = @result, closed_at = @now, predictions = @predictions, anomalies = @anomalies, anomalous_rows = @anomalous, empty_buckets = @empty,
    duration_us = @duration, model = @model, model_sha256 = @model_sha256, attributes = @attributes, csv_sha256 = @csv_sha256, error = @error`

	thisJob = ` run = @run AND subject_id = @subject AND revision = @revision `

	// raiseEpoch re-opens a run because a job of it is re-opened. A cancelled run
	// becomes cancelling, and so ends as cancelled again.
	raiseEpoch = `
UPDATE dbo.runs
SET epoch = epoch + 1, state = CASE WHEN state IN ('cancelling', 'cancelled') THEN 'cancelling' ELSE 'running' END, ended_at = NULL
WHERE id = @run `
)

const (
	closeQueued statement = `UPDATE dbo.jobs SET ` + closed + ` WHERE` + thisJob + `AND state = 'queued'`
	closeFailed statement = `UPDATE dbo.jobs SET ` + closed + `, epoch = ` + presentEpoch + ` WHERE` + thisJob + `AND state = 'failed'`

	raiseForFailed statement = raiseEpoch + `AND EXISTS (SELECT 1 FROM dbo.jobs WHERE` + thisJob + `AND state = 'failed')`

	isScored = thisJob + `AND state = 'scored' AND csv_sha256 = @csv_sha256`

	raiseForScored statement = raiseEpoch + `AND EXISTS (SELECT 1 FROM dbo.jobs WHERE` + isScored + `)`
	reopenScored   statement = `UPDATE dbo.jobs SET ` + reopened + ` WHERE` + isScored

	jobState statement = `SELECT state FROM dbo.jobs WHERE run = @run AND subject_id = @subject`

	getJobs statement = `
SELECT ` + jobColumns + `
FROM {k:subject_key} JOIN dbo.jobs j ON j.run = @run AND j.subject_id = k.subject_key JOIN dbo.subjects s ON s.id = j.subject_id`

	// pageJobs has a cross join because SQLite does not reorder it. SQLite then
	// reads the subjects in the requested order, and need not sort the run's jobs.
	pageJobs statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.subjects s CROSS JOIN dbo.jobs j
WHERE j.run = @run AND j.subject_id = s.id AND (@state = '' OR j.state = @state)
  AND s.device >= @device AND (s.device > @device OR s.name > @name)
ORDER BY s.device, s.name {limit}`

	jobsByAnomalies statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run AND (@state = '' OR j.state = @state)
ORDER BY CASE WHEN j.predictions = 0 THEN 0 ELSE 1.0 * j.anomalies / j.predictions END DESC, j.anomalies DESC, s.device, s.name {limit}`

	jobsByDuration statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run AND (@state = '' OR j.state = @state)
ORDER BY j.duration_us DESC, s.device, s.name {limit}`

	countJobs statement = `
SELECT j.state, COUNT(j.subject_id)
FROM dbo.runs r LEFT JOIN dbo.jobs j ON j.run = r.id
WHERE r.id = @run
GROUP BY j.state`

	pendingJob statement = `SELECT COUNT(*) FROM dbo.runs WHERE id = @run AND EXISTS (SELECT 1 FROM dbo.jobs WHERE run = @run AND state = 'queued')`
)

// CloseJob closes a job with an outcome, if its revision is key's and it is queued.
// It also replaces the outcome failed by another; this re-opens the run and raises
// its epoch in the same transaction. changed tells whether the job was changed,
// and was is its state before.
//
// The duration is stored in microseconds. Model and error are cut at 2,000 bytes.
// The error wraps [fleet.ErrNotFound] if the run has no such job.
func (db *DB) CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (was fleet.JobState, changed bool, err error) {
	if !o.Result.Valid() || o.Result == fleet.Queued {
		return "", false, fmt.Errorf("store: closing job %s of run %s: %w: a job does not close as %q", key.ID, run, fleet.ErrInvalid, o.Result)
	}
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return "", false, err
	}
	op := fmt.Sprintf("closing job %s of run %s", key.ID, run)
	args := append(job, db.outcomeArgs(o, now)...)
	n, err := db.update(ctx, op, closeQueued, args...)
	if err != nil || n == 1 {
		return fleet.Queued, n == 1, err
	}
	if o.Result != fleet.Failed {
		changed, err = db.changeJob(ctx, op, change{run, fleet.ByLateSuccess, now, raiseForFailed, job, closeFailed, args})
		if err != nil || changed {
			return fleet.Failed, changed, err
		}
	}
	was, err = db.jobState(ctx, op, job)
	return was, false, err
}

// ReopenJob re-opens a job at the next revision, if it is still scored at key's
// revision with that sha256 of its CSV. The same transaction re-opens the run and
// raises its epoch. ReopenJob reports whether the job was re-opened.
func (db *DB) ReopenJob(ctx context.Context, run string, key fleet.JobKey, csvSHA256 string, now time.Time) (bool, error) {
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return false, err
	}
	job = append(job, sql.Named("csv_sha256", csvSHA256))
	return db.changeJob(ctx, fmt.Sprintf("re-opening job %s of run %s", key.ID, run),
		change{run, fleet.ByLostFile, now, raiseForScored, job, reopenScored, job})
}

// change is a change of a closed job. It raises the epoch of the job's run.
type change struct {
	run string
	why fleet.Reason
	now time.Time

	raise     statement // raises the run's epoch if the job is as expected
	raiseArgs []any
	job       statement // changes the job
	jobArgs   []any
}

// changeJob makes a change in one transaction, which changes the run's row first.
// It does nothing, and returns false, if the job is not as expected.
func (db *DB) changeJob(ctx context.Context, op string, c change) (bool, error) {
	return db.write(ctx, op, func(ctx context.Context, tx session) error {
		n, err := tx.exec(ctx, c.raise, c.raiseArgs...)
		if err != nil {
			return err
		}
		if n == 0 {
			return errUnchanged
		}
		n, err = tx.exec(ctx, c.job, c.jobArgs...)
		if err != nil {
			return err
		}
		if n == 0 {
			return errUnchanged
		}
		return tx.openEpoch(ctx, c.run, c.why, n, c.now)
	})
}

// jobArgs returns the parameters of [thisJob].
func (db *DB) jobArgs(ctx context.Context, run string, key fleet.JobKey) ([]any, error) {
	subject, err := db.key(ctx, key.ID)
	if err != nil {
		return nil, err
	}
	return slices.Clip([]any{sql.Named("run", run), sql.Named("subject", subject), sql.Named("revision", key.Revision)}), nil
}

func (db *DB) outcomeArgs(o fleet.Outcome, now time.Time) []any {
	return []any{
		sql.Named("result", string(o.Result)),
		sql.Named("now", db.time(now)),
		sql.Named("predictions", o.Rows),
		sql.Named("anomalies", o.Anomalies),
		sql.Named("anomalous", string(o.Anomalous)),
		sql.Named("empty", o.EmptyBuckets),
		sql.Named("duration", o.Duration.Microseconds()),
		sql.Named("model", cut(o.Model)),
		sql.Named("model_sha256", o.ModelSHA256),
		sql.Named("attributes", o.AttributesSHA256),
		sql.Named("csv_sha256", o.CSVSHA256),
		sql.Named("error", cut(o.Error)),
	}
}

func (db *DB) jobState(ctx context.Context, op string, job []any) (state fleet.JobState, err error) {
	err = db.read(ctx, op, func(ctx context.Context, r session) error {
		ok, err := r.one(ctx, jobState, []any{&state}, job[:2]...)
		if err == nil && !ok {
			return fleet.ErrNotFound
		}
		return err
	})
	return state, err
}

// Jobs returns the jobs of a run for ids, ordered by device and name, bytewise. An
// id without a job is left out.
func (db *DB) Jobs(ctx context.Context, run string, ids []fleet.ID) ([]fleet.Job, error) {
	keys, err := db.listOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	jobs, err := selectListed(ctx, db, "reading jobs of run "+run, getJobs, keys, scanJob, sql.Named("run", run))
	slices.SortFunc(jobs, func(a, b fleet.Job) int { return fleet.CompareID(a.ID, b.ID) })
	return jobs, err
}

// JobsPage returns up to limit jobs of a run in the given state, "" for all,
// after the given subject, ordered as [DB.Sensors] does.
func (db *DB) JobsPage(ctx context.Context, run string, state fleet.JobState, after fleet.ID, limit int) ([]fleet.Job, error) {
	return db.jobs(ctx, "listing jobs of run "+run, pageJobs, sql.Named("run", run), sql.Named("state", string(state)),
		sql.Named("device", after.Device), sql.Named("name", after.Name()), sql.Named("limit", limit))
}

// JobsTop returns up to limit jobs of a run in the given state, "" for all. The
// first are those with the greatest share of anomalies, or those that took longest.
func (db *DB) JobsTop(ctx context.Context, run string, state fleet.JobState, by fleet.JobOrder, limit int) ([]fleet.Job, error) {
	s := jobsByAnomalies
	if by == fleet.BySlowest {
		s = jobsByDuration
	}
	return db.jobs(ctx, "sorting jobs of run "+run, s, sql.Named("run", run), sql.Named("state", string(state)), sql.Named("limit", limit))
}

// jobs returns the result of a query for jobColumns.
func (db *DB) jobs(ctx context.Context, op string, s statement, args ...any) ([]fleet.Job, error) {
	return selectRows(ctx, db, op, s, scanJob, args...)
}

func scanJob(row scanner, j *fleet.Job) error {
	scan := jobScan(j)
	if err := row.Scan(scan.columns()...); err != nil {
		return err
	}
	scan.done()
	return nil
}

// scanned is a job whose jobColumns are scanned.
type scanned struct {
	job                *fleet.Job
	device, name, kind string
	micros, lookback   int64
}

func jobScan(j *fleet.Job) *scanned { return &scanned{job: j} }

// columns returns the destinations of jobColumns.
func (s *scanned) columns() []any {
	j := s.job
	return []any{&j.Run, &s.device, &s.name, &s.kind, &j.Revision, &j.State, moment{&j.SentAt}, &j.Sends, moment{&j.ClosedAt},
		&j.Rows, &j.Anomalies, &j.EmptyBuckets, &s.micros, &j.Model, &j.ModelSHA256, &j.AttributesSHA256, &j.CSVSHA256, &j.Error, &s.lookback, &j.Epoch}
}

// done sets the other fields of the job, after the scan.
func (s *scanned) done() {
	j := s.job
	j.ID = idOf(s.device, s.name, s.kind)
	j.Duration = time.Duration(s.micros) * time.Microsecond
	j.Lookback = time.Duration(s.lookback) * time.Second
	if j.State != fleet.Queued {
		j.Result = j.State
	}
}

// Counts returns the number of a run's jobs in each state. The error wraps
// [fleet.ErrNotFound] if there is no such run.
func (db *DB) Counts(ctx context.Context, run string) (fleet.Counts, error) {
	var counts fleet.Counts
	err := db.read(ctx, "counting jobs of run "+run, func(ctx context.Context, r session) error {
		counts = nil
		err := r.each(ctx, countJobs, func(row scanner) error {
			var state sql.NullString
			var n int
			if counts == nil {
				counts = fleet.Counts{}
			}
			err := row.Scan(&state, &n)
			if state.Valid {
				counts[fleet.JobState(state.String)] = n
			}
			return err
		}, sql.Named("run", run))
		if err == nil && counts == nil {
			return fleet.ErrNotFound
		}
		return err
	})
	return counts, err
}

// Pending reports whether a run has a queued job. It needs one seek in the index of
// queued jobs.
func (db *DB) Pending(ctx context.Context, run string) (bool, error) {
	var n int
	err := db.read(ctx, "looking for queued jobs of run "+run, func(ctx context.Context, r session) error {
		_, err := r.one(ctx, pendingJob, []any{&n}, sql.Named("run", run))
		return err
	})
	return n > 0, err
}
