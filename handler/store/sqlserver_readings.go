package store

import (
	"context"
	"database/sql"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/fleetscore/fleetscore/handler/sensor"
)

const (
	createStage statement = `CREATE TABLE #stage (sensor_id int NOT NULL, ts datetime2(3) NOT NULL, value float NOT NULL)`

	insertStaged statement = `
INSERT INTO dbo.readings (sensor_id, ts, value)
SELECT s.sensor_id, s.ts, s.value
FROM #stage s
WHERE NOT EXISTS (SELECT 1 FROM dbo.readings r WHERE r.sensor_id = s.sensor_id AND r.ts = s.ts)
ORDER BY s.sensor_id, s.ts`

	stagedConflicts statement = `
SELECT s.sensor_id, s.ts, r.value
FROM #stage s JOIN dbo.readings r ON r.sensor_id = s.sensor_id AND r.ts = s.ts
WHERE r.value <> s.value`

	dropStage statement = `DROP TABLE #stage`

	rangeReadings statement = `
SELECT k.place, r.ts, r.value
FROM {k:place,sensor_key} JOIN dbo.readings r ON r.sensor_id = k.sensor_key
WHERE r.ts >= @from AND r.ts < @to
ORDER BY k.place, r.ts`
)

// insertReadings bulk copies rows to a temporary table and inserts from it
// what is new. Where another writer inserts the same rows meanwhile, the
// statement fails with a duplicate key, and the transaction is tried again.
func (d *sqlserver) insertReadings(ctx context.Context, tx *sql.Tx, rows []row) (inserted int, conflicts []conflict, err error) {
	s := session{d, tx}
	if _, err := s.exec(ctx, createStage); err != nil {
		return 0, nil, err
	}
	if err := copyRows(ctx, tx, rows); err != nil {
		return 0, nil, err
	}
	n, err := s.exec(ctx, insertStaged)
	if err != nil {
		return 0, nil, err
	}
	if int(n) < len(rows) {
		err = s.each(ctx, stagedConflicts, func(r scanner) error {
			c, err := scanConflict(r, rows)
			conflicts = append(conflicts, c)
			return err
		})
		if err != nil {
			return 0, nil, err
		}
	}
	_, err = s.exec(ctx, dropStage)
	return int(n), conflicts, err
}

func copyRows(ctx context.Context, tx *sql.Tx, rows []row) error {
	stmt, err := tx.PrepareContext(ctx, mssql.CopyIn("#stage", mssql.BulkOptions{RowsPerBatch: len(rows)}, "sensor_id", "ts", "value"))
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, r := range rows {
		if _, err := stmt.ExecContext(ctx, r.key, r.ts.Time(), r.value); err != nil {
			return err
		}
	}
	_, err = stmt.ExecContext(ctx) // sends what is left
	return err
}

// readings asks for all sensors in one query, some 256 at a time.
func (d *sqlserver) readings(ctx context.Context, reader *sql.DB, keys []int64, w sensor.Window, yield func(int, sensor.Millis, float64) bool) error {
	l := list{pad: []any{-1, int64(0)}}
	for i, key := range keys {
		l.values = append(l.values, i, key)
	}
	more := true
	return l.pieces([]any{sql.Named("from", d.time(w.From)), sql.Named("to", d.time(w.To))}, func(n int, args []any) error {
		if !more {
			return nil
		}
		rows, err := reader.QueryContext(ctx, d.text(rangeReadings, n), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		var i int
		var ts millis
		var value float64
		for more && rows.Next() {
			if err := rows.Scan(&i, &ts, &value); err != nil {
				return err
			}
			more = yield(i, sensor.Millis(ts), value)
		}
		return rows.Err()
	})
}
