package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	getWork statement = `
SELECT ` + jobColumns + `, s.lookback, s.fault, ` + modelColumns + `
FROM {k:subject_key} JOIN dbo.jobs j ON j.run = @run AND j.subject_id = k.subject_key JOIN dbo.subjects s ON s.id = j.subject_id
  LEFT JOIN dbo.models m ON m.id = s.model`

	// bindJob never shortens a job's lookback, because a CSV that was made with the
	// longer one may exist.
	bindJob statement = `UPDATE dbo.jobs SET lookback = @lookback WHERE` + thisJob + `AND state = 'queued' AND lookback < @lookback`

	attributesModel statement = `SELECT ` + modelColumns + ` FROM dbo.models m WHERE m.current_version = 1 AND m.scope = 'attributes'`
)

// Work returns the jobs of a run for ids, each with the model that serves it now. An
// id without a job is left out. One statement reads the job, the model and the
// lookback, so that they agree: late readings are compared with this lookback.
func (db *DB) Work(ctx context.Context, run string, ids []fleet.ID) ([]fleet.Work, error) {
	keys, err := db.listOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return selectListed(ctx, db, "reading jobs of run "+run+" and their models", getWork, keys, func(row scanner, w *fleet.Work) error {
		var lookback int64
		scan := jobScan(&w.Job)
		m, err := scanModel(row, append(scan.columns(), &lookback, &w.Fault)...)
		if err != nil {
			return err
		}
		scan.done()
		w.Needs = time.Duration(lookback) * time.Second
		if m.Key != 0 {
			w.Model = &m
		}
		return nil
	}, sql.Named("run", run))
}

// BindJob stores the lookback of a queued job before its rows are made. From then
// on a late reading within the lookback re-opens the job. BindJob returns false if
// the job is not queued at that revision.
func (db *DB) BindJob(ctx context.Context, run string, key fleet.JobKey, lookback time.Duration) (bool, error) {
	job, err := db.jobArgs(ctx, run, key)
	if err != nil {
		return false, err
	}
	n, err := db.update(ctx, fmt.Sprintf("binding job %s of run %s", key.ID, run), bindJob, append(job, sql.Named("lookback", seconds(lookback)))...)
	return n == 1, err
}

// Attributes returns the registered version of the file of device attributes, or nil
// if there is none.
func (db *DB) Attributes(ctx context.Context) (found *fleet.Model, err error) {
	err = db.read(ctx, "finding the attributes of devices", func(ctx context.Context, r session) error {
		found = nil
		return r.each(ctx, attributesModel, func(row scanner) error {
			m, err := scanModel(row)
			found = &m
			return err
		})
	})
	return found, err
}
