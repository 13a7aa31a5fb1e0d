package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	// restartRun sets a run running, even one that was cancelled.
	restartRun statement = `UPDATE dbo.runs SET state = 'running', epoch = epoch + 1, ended_at = NULL WHERE id = @run`

	setSettings statement = `UPDATE dbo.runs SET aggregate = @aggregate, max_failed = @max_failed WHERE id = @run`

	jobsToMatch statement = `
SELECT s.id, s.device, s.name, s.kind, j.state
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run`

	subjectsToMatch statement = `
SELECT s.id, s.device, s.name, s.kind
FROM dbo.subjects s
WHERE s.enabled = 1 AND s.judged = 1 AND NOT EXISTS (SELECT 1 FROM dbo.jobs j WHERE j.run = @run AND j.subject_id = s.id)`

	reopenListed statement = `UPDATE dbo.jobs SET ` + reopened + ` FROM {k:subject_key} WHERE run = @run AND subject_id = k.subject_key`

	insertListed statement = `
INSERT INTO dbo.jobs (run, subject_id, lookback, epoch)
SELECT @run, s.id, s.lookback, ` + presentEpoch + `
FROM {k:subject_key} JOIN dbo.subjects s ON s.id = k.subject_key
WHERE s.enabled = 1 AND s.judged = 1 AND NOT EXISTS (SELECT 1 FROM dbo.jobs j WHERE j.run = @run AND j.subject_id = s.id)`
)

// Rescore re-opens, at their next revisions, the jobs of a run whose subject
// matches and whose state is one of states; without states, any state. It adds a
// job for every enabled subject that matches and has none. If s is not nil, it
// replaces the run's settings, and all jobs of the run are re-opened. One
// transaction does all of it. It sets the run running and raises its epoch, unless
// no job was re-opened or added and s is nil. The error wraps [fleet.ErrNotFound]
// if there is no such run.
func (db *DB) Rescore(ctx context.Context, run string, match func(fleet.ID) bool, states []fleet.JobState, s *fleet.Settings, now time.Time) (reopened, added int, err error) {
	changed, err := db.write(ctx, "rescoring run "+run, func(ctx context.Context, tx session) error {
		n, err := tx.exec(ctx, restartRun, sql.Named("run", run))
		if err != nil {
			return err
		}
		if n == 0 {
			return fleet.ErrNotFound
		}
		if s != nil {
			if _, err := tx.exec(ctx, setSettings, sql.Named("run", run), sql.Named("aggregate", s.Aggregate), sql.Named("max_failed", s.MaxFailed)); err != nil {
				return err
			}
		}
		again := func(id fleet.ID, state fleet.JobState) bool {
			return s != nil || match(id) && (len(states) == 0 || slices.Contains(states, state))
		}
		if reopened, err = tx.reopenMatching(ctx, run, again); err != nil {
			return err
		}
		if added, err = tx.addMatching(ctx, run, match); err != nil {
			return err
		}
		if reopened+added == 0 && s == nil {
			return errUnchanged
		}
		return tx.openEpoch(ctx, run, fleet.ByRescore, int64(reopened+added), now)
	})
	if !changed {
		return 0, 0, err
	}
	return reopened, added, nil
}

func (c session) reopenMatching(ctx context.Context, run string, again func(fleet.ID, fleet.JobState) bool) (int, error) {
	var keys []int64
	err := c.each(ctx, jobsToMatch, func(row scanner) error {
		var key int64
		var device, name, kind string
		var state fleet.JobState
		err := row.Scan(&key, &device, &name, &kind, &state)
		if again(idOf(device, name, kind), state) {
			keys = append(keys, key)
		}
		return err
	}, sql.Named("run", run))
	if err != nil {
		return 0, err
	}
	n, err := c.execList(ctx, reopenListed, keyList(keys), sql.Named("run", run))
	return int(n), err
}

func (c session) addMatching(ctx context.Context, run string, match func(fleet.ID) bool) (int, error) {
	if err := c.assignAll(ctx); err != nil {
		return 0, err
	}
	keys, err := c.matchingKeys(ctx, subjectsToMatch, match, sql.Named("run", run))
	if err != nil {
		return 0, err
	}
	n, err := c.execList(ctx, insertListed, keyList(keys), sql.Named("run", run))
	return int(n), err
}
