package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	insertStaged statement = `
INSERT INTO dbo.readings (sensor_id, ts, value)
SELECT s.sensor_id, s.ts, s.value
FROM #stage s
ORDER BY s.sensor_id, s.ts`

	// insertNewStaged returns what it inserts.
	insertNewStaged statement = `
INSERT INTO dbo.readings (sensor_id, ts, value)
OUTPUT inserted.sensor_id, inserted.ts
SELECT s.sensor_id, s.ts, s.value
FROM #stage s
WHERE NOT EXISTS (SELECT 1 FROM dbo.readings r WHERE r.sensor_id = s.sensor_id AND r.ts = s.ts)
ORDER BY s.sensor_id, s.ts`

	stagedConflicts statement = `
SELECT s.sensor_id, s.ts, r.value
FROM #stage s JOIN dbo.readings r ON r.sensor_id = s.sensor_id AND r.ts = s.ts
WHERE r.value <> s.value`
)

// insertReadings bulk copies rows to a temporary table, inserts from it what is
// new, and notes what of that is late. The table goes when the connection is reset, which it is
// before it is used again: dropping it here would cost a round trip.
func (d *sqlserver) insertReadings(ctx context.Context, writer *sql.DB, rows []row, c *faultCounter) (inserted int, conflicts []conflict, err error) {
	conn, err := writer.Conn(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, err
	}
	defer tx.Rollback()
	s := session{d, tx}
	var upto time.Time
	if err := granted(ctx, s, openStage, resource(d.schema, watermarkLock), []any{moment{&upto}}); err != nil {
		return 0, nil, err
	}
	if err := bulkCopy(ctx, conn, rows); err != nil {
		return 0, nil, err
	}
	fresh, conflicts, err := s.insertStaged(ctx, rows)
	if err != nil {
		return 0, nil, err
	}
	if err := s.noteLate(ctx, before(fresh, upto)); err != nil {
		return 0, nil, err
	}
	if err := c.count(ctx, s, without(rows, fresh), conflicts); err != nil {
		return 0, nil, err
	}
	return len(fresh), conflicts, tx.Commit()
}

// bulkCopy sends rows in the transaction that conn is in. It goes past
// database/sql, which would take longer over each row than the driver.
func bulkCopy(ctx context.Context, conn *sql.Conn, rows []row) error {
	return conn.Raw(func(driver any) error {
		bulk := driver.(*mssql.Conn).CreateBulkContext(ctx, "#stage", []string{"sensor_id", "ts", "value"})
		bulk.Options = mssql.BulkOptions{RowsPerBatch: len(rows), Tablock: true}
		values := make([]any, 3)
		for _, r := range rows {
			values[0], values[1], values[2] = r.key, r.ts.Time(), r.value
			if err := bulk.AddRow(values); err != nil {
				return err
			}
		}
		_, err := bulk.Done()
		return err
	})
}

// insertStaged takes it that all rows are new, as they are but when events are
// delivered again: looking for each first takes a third of the time. A
// duplicate key undoes the statement alone; then it looks. Where another writer
// inserts the same rows meanwhile, that fails too, and the transaction is tried
// again.
func (c session) insertStaged(ctx context.Context, rows []row) (fresh []row, conflicts []conflict, err error) {
	_, err = c.exec(ctx, insertStaged)
	if err == nil {
		return rows, nil, nil
	}
	if !duplicateKey(err) {
		return nil, nil, err
	}
	err = c.each(ctx, insertNewStaged, func(r scanner) error {
		inserted, err := scanInserted(r, rows)
		fresh = append(fresh, inserted)
		return err
	})
	if err != nil || len(fresh) == len(rows) {
		return fresh, nil, err
	}
	err = c.each(ctx, stagedConflicts, func(r scanner) error {
		found, err := scanConflict(r, rows)
		conflicts = append(conflicts, found)
		return err
	})
	return fresh, conflicts, err
}

// readWindows is readWindow for each of @count sensors, in a result of its own.
// Their keys stand in @keys, each in 11 characters, so that the server parses
// one short text, and keeps one plan, however many there are.
const readWindows statement = `
DECLARE @n int = 0, @key int;
WHILE @n < @count
BEGIN
    SET @key = CAST(SUBSTRING(@keys, @n * 11 + 1, 11) AS int);` + readWindow + `;
    SET @n = @n + 1;
END`

// readings asks for all sensors in one request: a range a sensor, so that the
// server need sort nothing.
func (d *sqlserver) readings(ctx context.Context, reader *sql.DB, keys []int64, w fleet.Window, yield func(int, fleet.Millis, float64) bool) error {
	var list strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&list, "%11d", key)
	}
	rows, err := reader.QueryContext(ctx, d.text(readWindows, 0),
		sql.Named("keys", mssql.NVarCharMax(list.String())), sql.Named("count", len(keys)),
		sql.Named("from", d.time(w.From)), sql.Named("to", d.time(w.To)))
	if err != nil {
		return err
	}
	defer rows.Close()
	var ts millis
	var value float64
	for i := range keys {
		if i > 0 && !rows.NextResultSet() {
			return cmp.Or(rows.Err(), fmt.Errorf("%d sensors asked for, %d answered: %w", len(keys), i, io.ErrUnexpectedEOF))
		}
		for rows.Next() {
			if err := rows.Scan(&ts, &value); err != nil {
				return err
			}
			if !yield(i, fleet.Millis(ts), value) {
				return nil
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}
