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

	sumDevices statement = `
SELECT s.device, COUNT(*), SUM(CASE WHEN j.state = 'queued' THEN 1 ELSE 0 END), SUM(CASE WHEN j.state = 'scored' THEN 1 ELSE 0 END),
       SUM(CASE WHEN j.state IN ('bad_model', 'bad_data', 'failed') THEN 1 ELSE 0 END), SUM(j.predictions), SUM(j.anomalies)
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run
GROUP BY s.device`
)

// RunsWithin returns up to limit runs whose windows meet w, that of the newest
// window first.
func (db *DB) RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error) {
	return selectRows(ctx, db, "listing runs of "+w.RunID(), runsWithin, scanRun, sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)), sql.Named("limit", limit))
}

// DeviceSums sums the jobs of a run by device, in no order.
func (db *DB) DeviceSums(ctx context.Context, run string) ([]fleet.DeviceSum, error) {
	return selectRows(ctx, db, "summing run "+run, sumDevices, func(row scanner, d *fleet.DeviceSum) error {
		return row.Scan(&d.Device, &d.Jobs, &d.Queued, &d.Scored, &d.Failed, &d.Rows, &d.Anomalies)
	}, sql.Named("run", run))
}

// jobsOfDevice goes from the runs to the subjects to the jobs, as cross joins make
// SQLite do: else it goes through all jobs that there are.
const jobsOfDevice statement = `
SELECT {top} ` + jobColumns + `
FROM dbo.runs r CROSS JOIN dbo.subjects s CROSS JOIN dbo.jobs j
WHERE j.run = r.id AND j.subject_id = s.id AND s.device = @device AND r.window_from < @to AND r.window_to > @from
ORDER BY r.window_from DESC, s.name {limit}`

// DeviceJobs returns up to limit jobs of a device in the runs whose windows meet
// w, the newest window first.
func (db *DB) DeviceJobs(ctx context.Context, device string, w fleet.Window, limit int) ([]fleet.Job, error) {
	return db.jobs(ctx, "listing jobs of "+device, jobsOfDevice,
		sql.Named("device", device), sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)), sql.Named("limit", limit))
}
