package store

import (
	"context"
	"database/sql"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	runsWithin statement = `
SELECT {top} ` + runColumns + `
FROM ` + runRows + `
WHERE r.window_from < @to AND r.window_to > @from
ORDER BY r.window_from DESC, r.id DESC {limit}`

	// openWithin uses the index of open runs, which are few.
	openWithin statement = `
SELECT {top} ` + runColumns + `
FROM ` + runRows + `
WHERE r.ended_at IS NULL AND r.window_from >= @from AND r.window_from < @to
ORDER BY r.id DESC {limit}`

	sumDevices statement = `
SELECT s.device, COUNT(*), SUM(CASE WHEN j.state = 'queued' THEN 1 ELSE 0 END), SUM(CASE WHEN j.state = 'scored' THEN 1 ELSE 0 END),
       SUM(CASE WHEN j.state IN ('bad_model', 'bad_data', 'failed') THEN 1 ELSE 0 END), SUM(j.predictions), SUM(j.anomalies)
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run
GROUP BY s.device`

	updateRunSums statement = `UPDATE dbo.run_sums SET devices = @devices WHERE run = @run`
	insertRunSums statement = `INSERT INTO dbo.run_sums (run, devices) VALUES (@run, @devices)`
	listRunSums   statement = `SELECT x.run, x.devices FROM {k:id} JOIN dbo.run_sums x ON x.run = k.id`
)

// RunsWithin returns up to limit runs whose windows overlap w, the newest window
// first.
func (db *DB) RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error) {
	return selectRows(ctx, db, "listing runs of "+w.RunID(), runsWithin, scanRun, sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)), sql.Named("limit", limit))
}

// OpenWithin returns up to limit open runs whose windows begin in w, the newest
// window first.
func (db *DB) OpenWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error) {
	return selectRows(ctx, db, "listing open runs of "+w.RunID(), openWithin, scanRun, sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)), sql.Named("limit", limit))
}

// RunSums returns, by run, the sums of the run's jobs when the run last ended. Runs
// that have never ended are left out.
func (db *DB) RunSums(ctx context.Context, runs []string) (map[string]fleet.PackedSums, error) {
	ids := list{pad: []any{""}}
	for _, run := range runs {
		ids.values = append(ids.values, run)
	}
	var sums map[string]fleet.PackedSums
	err := db.read(ctx, "reading sums of runs", func(ctx context.Context, r session) error {
		sums = make(map[string]fleet.PackedSums, len(runs))
		return r.eachList(ctx, listRunSums, ids, func(row scanner) error {
			var run string
			var devices []byte
			err := row.Scan(&run, &devices)
			sums[run] = devices
			return err
		})
	})
	return sums, err
}

// DeviceSums sums the jobs of a run by device, in no order.
func (db *DB) DeviceSums(ctx context.Context, run string) ([]fleet.DeviceSum, error) {
	return selectRows(ctx, db, "summing run "+run, sumDevices, func(row scanner, d *fleet.DeviceSum) error {
		return row.Scan(&d.Device, &d.Jobs, &d.Queued, &d.Scored, &d.Failed, &d.Rows, &d.Anomalies)
	}, sql.Named("run", run))
}

// jobsOfDevice has cross joins because SQLite does not reorder them. SQLite then
// seeks the jobs by run and subject, and does not read all jobs.
const jobsOfDevice statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.runs r CROSS JOIN dbo.subjects s CROSS JOIN dbo.jobs j
WHERE j.run = r.id AND j.subject_id = s.id AND s.device = @device AND r.window_from < @to AND r.window_to > @from
ORDER BY r.window_from DESC, s.name {limit}`

// DeviceJobs returns up to limit jobs of a device in the runs whose windows overlap
// w, the newest window first.
func (db *DB) DeviceJobs(ctx context.Context, device string, w fleet.Window, limit int) ([]fleet.Job, error) {
	return db.jobs(ctx, "listing jobs of "+device, jobsOfDevice,
		sql.Named("device", device), sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)), sql.Named("limit", limit))
}
