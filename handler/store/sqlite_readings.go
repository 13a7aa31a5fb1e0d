package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// sqliteRows is the number of rows that one statement inserts.
const sqliteRows = 64

func sqliteInsert(rows int) string {
	return "INSERT INTO readings (sensor_id, ts, value) VALUES " + sqliteValues(rows) + " ON CONFLICT DO NOTHING"
}

// sqliteConflicts finds, among rows, those whose key holds another value.
func sqliteConflicts(rows int) string {
	return "WITH k (sensor_id, ts, value) AS (VALUES " + sqliteValues(rows) + `)
SELECT r.sensor_id, r.ts, r.value
FROM k CROSS JOIN readings r ON r.sensor_id = k.sensor_id AND r.ts = k.ts
WHERE r.value <> k.value`
}

func sqliteValues(rows int) string { return strings.Repeat("(?, ?, ?), ", rows-1) + "(?, ?, ?)" }

func (d *sqlite) insertReadings(ctx context.Context, writer *sql.DB, rows []row) (inserted int, conflicts []conflict, err error) {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, err
	}
	defer tx.Rollback()
	if err := d.markLate(ctx, tx, rows); err != nil {
		return 0, nil, err
	}
	if inserted, conflicts, err = sqliteInsertAll(ctx, tx, rows); err != nil {
		return 0, nil, err
	}
	return inserted, conflicts, tx.Commit()
}

// markLate leaves marks for those of rows that are late.
func (d *sqlite) markLate(ctx context.Context, tx *sql.Tx, rows []row) error {
	s := session{d, tx}
	var upto time.Time
	if ok, err := s.one(ctx, getWatermark, []any{moment{&upto}}); err != nil || !ok {
		return err
	}
	late := list{pad: []any{int64(0), int64(0)}}
	for _, r := range rows {
		if r.before(upto) {
			late.values = append(late.values, r.key, int64(r.ts))
		}
	}
	if _, err := s.execList(ctx, markLate, late); err != nil {
		return err
	}
	_, err := s.execList(ctx, noteUncovered, late)
	return err
}

func sqliteInsertAll(ctx context.Context, tx *sql.Tx, rows []row) (inserted int, conflicts []conflict, err error) {
	prepared := map[string]*sql.Stmt{} // for a full piece, and for the last
	prepare := func(text string) (*sql.Stmt, error) {
		if s := prepared[text]; s != nil {
			return s, nil
		}
		s, err := tx.PrepareContext(ctx, text)
		prepared[text] = s
		return s, err
	}
	args := make([]any, 0, 3*sqliteRows)
	for at := 0; at < len(rows); at += sqliteRows {
		piece := rows[at:min(at+sqliteRows, len(rows))]
		args = args[:0]
		for _, r := range piece {
			args = append(args, r.key, int64(r.ts), r.value)
		}
		insert, err := prepare(sqliteInsert(len(piece)))
		if err != nil {
			return 0, nil, err
		}
		res, err := insert.ExecContext(ctx, args...)
		if err != nil {
			return 0, nil, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, nil, err
		}
		inserted += int(n)
		if int(n) == len(piece) {
			continue
		}
		find, err := prepare(sqliteConflicts(len(piece)))
		if err != nil {
			return 0, nil, err
		}
		if conflicts, err = appendConflicts(ctx, find, args, rows, conflicts); err != nil {
			return 0, nil, err
		}
	}
	return inserted, conflicts, nil
}

func appendConflicts(ctx context.Context, find *sql.Stmt, args []any, rows []row, conflicts []conflict) ([]conflict, error) {
	found, err := find.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		c, err := scanConflict(found, rows)
		if err != nil {
			return nil, err
		}
		conflicts = append(conflicts, c)
	}
	return conflicts, found.Err()
}

// readings asks for one sensor after another, in one snapshot. It steps through
// the rows without database/sql, which boxes and converts each value: that took
// more than half of the time.
func (d *sqlite) readings(ctx context.Context, reader *sql.DB, keys []int64, w fleet.Window, yield func(int, fleet.Millis, float64) bool) error {
	pooled, err := reader.Conn(ctx)
	if err != nil {
		return err
	}
	defer pooled.Close()
	return pooled.Raw(func(c any) error {
		conn := c.(driver.Conn).Raw()
		defer conn.SetInterrupt(conn.SetInterrupt(ctx))
		if err := conn.Exec("BEGIN"); err != nil {
			return err
		}
		defer func() {
			conn.SetInterrupt(context.Background()) // it must be left even if ctx has ended
			_ = conn.Exec("ROLLBACK")               // nothing was written
		}()
		return d.scan(conn, keys, w, yield)
	})
}

func (d *sqlite) scan(conn *sqlite3.Conn, keys []int64, w fleet.Window, yield func(int, fleet.Millis, float64) bool) error {
	window, _, err := conn.Prepare(d.text(readWindow, 0))
	if err != nil {
		return err
	}
	defer window.Close()
	err = errors.Join(
		window.BindInt64(window.BindIndex("@from"), w.From.UnixMilli()),
		window.BindInt64(window.BindIndex("@to"), w.To.UnixMilli()))
	at := window.BindIndex("@key")
	for i, key := range keys {
		if err = errors.Join(err, window.Reset(), window.BindInt64(at, key)); err != nil {
			return err
		}
		for window.Step() {
			if !yield(i, fleet.Millis(window.ColumnInt64(0)), window.ColumnFloat(1)) {
				return nil
			}
		}
		if err := window.Err(); err != nil {
			return err
		}
	}
	return nil
}
