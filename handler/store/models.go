package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	listServing statement = `
SELECT {top} COALESCE(c.subjects, 0), ` + modelColumns + `
FROM dbo.models m LEFT JOIN (SELECT s.model, COUNT(*) AS subjects FROM dbo.subjects s WHERE s.model <> 0 AND s.judged = 1 GROUP BY s.model) c ON c.model = m.id
WHERE m.current_version = 1 AND (m.scope <> 'none' OR m.name LIKE '%@removed') AND m.name > @after
ORDER BY m.name {limit}`

	getServing statement = `
SELECT (SELECT COUNT(*) FROM dbo.subjects s WHERE s.model = m.id AND s.judged = 1), ` + modelColumns + `
FROM dbo.models m
WHERE m.current_version = 1 AND (m.scope <> 'none' OR m.name LIKE '%@removed') AND m.name = @name`

	servedBy statement = `
SELECT {top} s.device, s.name, s.kind
FROM dbo.subjects s
WHERE s.model = @model AND s.judged = 1 AND s.device >= @device AND (s.device > @device OR s.name > @name)
ORDER BY s.device, s.name {limit}`

	// sumVersions has cross joins because SQLite does not reorder them. SQLite then
	// seeks the jobs by run and subject, and does not read all jobs. A run's id begins
	// with the time at which its window begins, so that the runs are sought too.
	sumVersions statement = `
SELECT j.model_sha256, MIN(r.window_from), MAX(r.window_from), COUNT(*), SUM(j.predictions), SUM(j.anomalies)
FROM dbo.subjects s CROSS JOIN dbo.runs r CROSS JOIN dbo.jobs j
WHERE j.run = r.id AND j.subject_id = s.id AND r.id >= @first AND s.device = @device AND s.name = @title AND j.state = 'scored' AND j.model = @name
GROUP BY j.model_sha256
ORDER BY MAX(r.window_from) DESC, j.model_sha256`

	// sumSharedVersions reads the sums of the runs that have ended: a model of the fleet
	// has a job a device in each run.
	sumSharedVersions statement = `
SELECT v.model_sha256, MIN(r.window_from), MAX(r.window_from), SUM(v.jobs), SUM(v.predictions), SUM(v.anomalies)
FROM dbo.run_models v JOIN dbo.runs r ON r.id = v.run
WHERE v.run >= @first AND v.model = @name
GROUP BY v.model_sha256
ORDER BY MAX(r.window_from) DESC, v.model_sha256`
)

func scanServing(row scanner, s *fleet.Serving) (err error) {
	s.Model, err = scanModel(row, &s.Subjects)
	return err
}

// ServingModels returns up to limit models after the given name, ordered by name.
// They are the models that the container had when it was last listed, and those that
// were removed and can be put back; see [fleet.CutRemoved].
func (db *DB) ServingModels(ctx context.Context, after string, limit int) ([]fleet.Serving, error) {
	return selectRows(ctx, db, "listing the models", listServing, scanServing, sql.Named("after", after), sql.Named("limit", limit))
}

// ServingModel returns the model of that name. The error wraps [fleet.ErrNotFound]
// if the container did not have it when it was last listed.
func (db *DB) ServingModel(ctx context.Context, name string) (s fleet.Serving, err error) {
	err = db.read(ctx, fmt.Sprintf("reading the model %q", name), func(ctx context.Context, r session) error {
		found := false
		err := r.each(ctx, getServing, func(row scanner) error {
			found = true
			return scanServing(row, &s)
		}, sql.Named("name", name))
		if err == nil && !found {
			return fleet.ErrNotFound
		}
		return err
	})
	return s, err
}

// ServedBy returns up to limit sensors and device models that a model serves,
// after the given one, in the order of [DB.Subjects].
func (db *DB) ServedBy(ctx context.Context, model int64, after fleet.ID, limit int) ([]fleet.ID, error) {
	return selectRows(ctx, db, "listing what a model serves", servedBy, func(row scanner, id *fleet.ID) error {
		var device, name, kind string
		err := row.Scan(&device, &name, &kind)
		*id = idOf(device, name, kind)
		return err
	}, sql.Named("model", model), sql.Named("device", after.Device), sql.Named("name", after.Name()), sql.Named("limit", limit))
}

// Versions sums the jobs that a model scored in runs whose windows begin at from or
// later, by the version of the model. The version that was used last comes first. Of a
// model that may serve several devices, the runs are those that have ended, as they
// ended last. Of a model of one device, open runs count too.
func (db *DB) Versions(ctx context.Context, m fleet.Model, from time.Time) ([]fleet.Version, error) {
	first, _, _ := strings.Cut(fleet.Window{From: from.UTC(), To: from.UTC()}.RunID(), "-")
	sum, args := sumSharedVersions, []any{sql.Named("name", cut(m.Name)), sql.Named("first", first)}
	if !fleet.SharedModel(m.Name) {
		sum, args = sumVersions, append(args, sql.Named("device", m.Device), sql.Named("title", m.Title))
	}
	return selectRows(ctx, db, "summing the versions of the model "+m.Name, sum, func(row scanner, v *fleet.Version) error {
		return row.Scan(&v.SHA256, moment{&v.First}, moment{&v.Last}, &v.Jobs, &v.Rows, &v.Anomalies)
	}, args...)
}
