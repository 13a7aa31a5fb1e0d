package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	anomalousColumns = `j.run, s.device, s.name, s.kind, j.predictions, j.anomalies`

	jobsWithAnomalies statement = `
SELECT ` + anomalousColumns + `, ''
FROM dbo.jobs j JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.run = @run AND j.anomalies > 0`

	anomaliesOfJobs statement = `
SELECT ` + anomalousColumns + `, j.anomalous_rows
FROM {k:subject_key} JOIN dbo.jobs j ON j.run = @run AND j.subject_id = k.subject_key JOIN dbo.subjects s ON s.id = j.subject_id
WHERE j.anomalies > 0`

	// anomaliesOfDevice is joined like jobsOfDevice.
	anomaliesOfDevice statement = `
SELECT {top} ` + anomalousColumns + `, j.anomalous_rows
FROM dbo.runs r CROSS JOIN dbo.subjects s CROSS JOIN dbo.jobs j
WHERE j.run = r.id AND j.subject_id = s.id AND s.device = @device AND r.window_from < @to AND r.window_to > @from AND j.anomalies > 0
ORDER BY r.window_from DESC, s.name {limit}`

	// sumSubjects groups the jobs before it joins the subjects, because there are more jobs than subjects.
	sumSubjects statement = `
SELECT s.device, s.name, s.kind, x.jobs, x.predictions, x.anomalies
FROM (
  SELECT j.subject_id, COUNT(*) AS jobs, SUM(CAST(j.predictions AS bigint)) AS predictions, SUM(CAST(j.anomalies AS bigint)) AS anomalies
  FROM {k:run_id} JOIN dbo.jobs j ON j.run = k.run_id
  WHERE j.state = 'scored'
  GROUP BY j.subject_id) x
JOIN dbo.subjects s ON s.id = x.subject_id`
)

// AnomalousJobs returns the jobs of a run that found anomalies, without the
// anomalous rows, ordered by device and name, bytewise.
func (db *DB) AnomalousJobs(ctx context.Context, run string) ([]fleet.AnomalousJob, error) {
	jobs, err := selectRows(ctx, db, "looking for anomalies of run "+run, jobsWithAnomalies, scanAnomalousJob, sql.Named("run", run))
	slices.SortFunc(jobs, func(a, b fleet.AnomalousJob) int { return fleet.CompareID(a.ID, b.ID) })
	return jobs, err
}

// Anomalies returns the jobs of a run that are for one of ids and found anomalies,
// with the anomalous rows, ordered by device and name, bytewise.
func (db *DB) Anomalies(ctx context.Context, run string, ids []fleet.ID) ([]fleet.AnomalousJob, error) {
	keys, err := db.listOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	jobs, err := selectListed(ctx, db, "reading anomalies of run "+run, anomaliesOfJobs, keys, scanAnomalousJob, sql.Named("run", run))
	slices.SortFunc(jobs, func(a, b fleet.AnomalousJob) int { return fleet.CompareID(a.ID, b.ID) })
	return jobs, err
}

// DeviceAnomalies returns up to limit jobs of a device that found anomalies, with
// the anomalous rows. They are of the runs whose windows overlap w, the newest
// window first.
func (db *DB) DeviceAnomalies(ctx context.Context, device string, w fleet.Window, limit int) ([]fleet.AnomalousJob, error) {
	return selectRows(ctx, db, "reading anomalies of "+device, anomaliesOfDevice, scanAnomalousJob,
		sql.Named("device", device), sql.Named("from", db.time(w.From)), sql.Named("to", db.time(w.To)), sql.Named("limit", limit))
}

// scanAnomalousJob scans anomalousColumns and the rows.
func scanAnomalousJob(row scanner, j *fleet.AnomalousJob) error {
	var device, name, kind string
	err := row.Scan(&j.Run, &device, &name, &kind, &j.Rows, &j.Anomalies, &j.Kept)
	j.ID = idOf(device, name, kind)
	return err
}

// SubjectSums sums the scored jobs of runs by subject, in no order.
func (db *DB) SubjectSums(ctx context.Context, runs []string) ([]fleet.SubjectSum, error) {
	l := list{pad: []any{""}}
	for _, run := range runs {
		l.values = append(l.values, run)
	}
	sums := map[fleet.ID]fleet.SubjectSum{}
	err := db.read(ctx, "summing the anomalies of runs", func(ctx context.Context, r session) error {
		clear(sums)
		return r.eachList(ctx, sumSubjects, l, func(row scanner) error {
			var n fleet.SubjectSum
			var device, name, kind string
			err := row.Scan(&device, &name, &kind, &n.Jobs, &n.Rows, &n.Anomalies)
			n.ID = idOf(device, name, kind)
			sum := sums[n.ID]
			sums[n.ID] = fleet.SubjectSum{ID: n.ID, Jobs: sum.Jobs + n.Jobs, Rows: sum.Rows + n.Rows, Anomalies: sum.Anomalies + n.Anomalies}
			return err
		})
	})
	all := make([]fleet.SubjectSum, 0, len(sums))
	for _, sum := range sums {
		all = append(all, sum)
	}
	return all, err
}
