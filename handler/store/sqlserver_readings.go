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

	// insertNewStaged returns the inserted rows.
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

// insertReadings bulk copies rows to a temporary table, inserts the new ones from
// it, and marks the late ones. It does not drop the table, which would cost a round
// trip: the server drops it when the connection is reset before its next use.
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

// bulkCopy sends rows in the transaction of conn. It uses the driver directly,
// because database/sql would take longer for each row than the driver.
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

// insertStaged inserts the staged rows that are not stored. It returns these, and
// the rows that are stored with another value.
//
// Rows are new unless events are delivered again. So it first inserts all of them:
// to look for each row first would add a third to the time. A duplicate key rolls
// back only this statement; then insertStaged looks for the stored rows. If another
// writer inserts the same rows at that moment, this fails too, and the transaction
// is retried.
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

// readWindows runs readWindow for each of @count sensors, each with a result set of
// its own. Their keys are in @keys, 11 characters each. So the text is the same for
// any number of sensors, and the server keeps one plan.
const readWindows statement = `
DECLARE @n int = 0, @key int;
WHILE @n < @count
BEGIN
    SET @key = CAST(SUBSTRING(@keys, @n * 11 + 1, 11) AS int);` + readWindow + `;
    SET @n = @n + 1;
END`

// readings reads all sensors in one request, one range for each sensor, so that the
// server sorts nothing.
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
