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

// sqliteInsert inserts rows. It fails if the sensor and time of one are stored.
func sqliteInsert(rows int) string {
	return "INSERT INTO readings (sensor_id, ts, value) VALUES " + sqliteValues(rows)
}

// sqliteInsertNew inserts the rows whose sensor and time are not stored.
func sqliteInsertNew(rows int) string { return sqliteInsert(rows) + " ON CONFLICT DO NOTHING" }

// sqliteInserted is sqliteInsertNew that returns the inserted rows.
func sqliteInserted(rows int) string { return sqliteInsertNew(rows) + " RETURNING sensor_id, ts" }

// sqliteConflicts selects the rows that are stored with another value.
func sqliteConflicts(rows int) string {
	return "WITH k (sensor_id, ts, value) AS (VALUES " + sqliteValues(rows) + `)
SELECT r.sensor_id, r.ts, r.value
FROM k CROSS JOIN readings r ON r.sensor_id = k.sensor_id AND r.ts = k.ts
WHERE r.value <> k.value`
}

func sqliteValues(rows int) string { return strings.Repeat("(?, ?, ?), ", rows-1) + "(?, ?, ?)" }

// insertReadings inserts rows, and, if some of them turn out to be there and c wants
// to know which, begins anew.
func (d *sqlite) insertReadings(ctx context.Context, writer *sql.DB, rows []row, c *faultCounter) (inserted int, conflicts []conflict, err error) {
	inserted, conflicts, err = d.tryInsert(ctx, writer, rows, c, false)
	if errors.Is(err, errMixed) {
		inserted, conflicts, err = d.tryInsert(ctx, writer, rows, c, true)
	}
	return inserted, conflicts, err
}

// errMixed says that some rows of a piece were there and others were not.
var errMixed = errors.New("some of the readings are stored")

func (d *sqlite) tryInsert(ctx context.Context, writer *sql.DB, rows []row, c *faultCounter, copies bool) (inserted int, conflicts []conflict, err error) {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, err
	}
	defer tx.Rollback()
	s := session{d, tx}
	var upto time.Time
	if _, err := s.one(ctx, getWatermark, []any{moment{&upto}}); err != nil {
		return 0, nil, err
	}
	in := sqliteInsertion{tx: tx, rows: rows, prepared: map[string]*sql.Stmt{}, args: make([]any, 0, 3*sqliteRows), counts: c.counts(), copies: copies}
	for at := 0; at < len(rows); at += sqliteRows {
		if err := in.insert(ctx, rows[at:min(at+sqliteRows, len(rows))], upto); err != nil {
			return 0, nil, err
		}
	}
	if err := s.noteLate(ctx, in.late); err != nil {
		return 0, nil, err
	}
	if err := c.count(ctx, s, in.there, in.conflicts); err != nil {
		return 0, nil, err
	}
	return in.inserted, in.conflicts, tx.Commit()
}

// sqliteInsertion inserts rows in a transaction, piece by piece.
type sqliteInsertion struct {
	tx       *sql.Tx
	rows     []row
	prepared map[string]*sql.Stmt // by text: for full pieces and the last one
	args     []any
	copies   bool // some of the rows were stored already
	counts   bool // it must be known which

	inserted  int
	there     []row // not inserted
	late      []row // the inserted rows before the watermark
	conflicts []conflict
}

func (in *sqliteInsertion) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := in.prepared[text]; s != nil {
		return s, nil
	}
	s, err := in.tx.PrepareContext(ctx, text)
	in.prepared[text] = s
	return s, err
}

// insert inserts a piece of the rows. If some are late, it must know which of them
// are new. It first tries a statement that succeeds only if all are new, because
// returning each new row would add a third to the time. After the first copy it
// uses the statement that returns the new rows.
func (in *sqliteInsertion) insert(ctx context.Context, piece []row, upto time.Time) error {
	in.args = in.args[:0]
	for _, r := range piece {
		in.args = append(in.args, r.key, int64(r.ts), r.value)
	}
	late := before(piece, upto)
	n, err := 0, error(nil)
	var fresh []row
	switch {
	case len(late) == 0 && !(in.counts && in.copies):
		n, err = in.exec(ctx, sqliteInsertNew(len(piece)))
		if in.counts && n > 0 && n < len(piece) {
			return errMixed
		}
	case !in.copies:
		n, err = in.exec(ctx, sqliteInsert(len(piece)))
		if !errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) {
			break
		}
		in.copies = true
		fallthrough
	default:
		fresh, err = in.returned(ctx, piece)
		n, late = len(fresh), before(fresh, upto)
	}
	if err != nil {
		return err
	}
	if in.counts && n < len(piece) {
		in.there = append(in.there, without(piece, fresh)...)
	}
	in.inserted += n
	in.late = append(in.late, late...)
	if n == len(piece) {
		return nil
	}
	find, err := in.prepare(ctx, sqliteConflicts(len(piece)))
	if err != nil {
		return err
	}
	in.conflicts, err = appendConflicts(ctx, find, in.args, in.rows, in.conflicts)
	return err
}

// exec inserts the rows in args and returns the number of new ones.
func (in *sqliteInsertion) exec(ctx context.Context, text string) (int, error) {
	insert, err := in.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	res, err := insert.ExecContext(ctx, in.args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// returned inserts the rows of piece that are not stored, and returns them.
func (in *sqliteInsertion) returned(ctx context.Context, piece []row) (fresh []row, err error) {
	insert, err := in.prepare(ctx, sqliteInserted(len(piece)))
	if err != nil {
		return nil, err
	}
	rows, err := insert.QueryContext(ctx, in.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanInserted(rows, piece)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, r)
	}
	return fresh, rows.Err()
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

// readings reads one sensor after another, in one snapshot. It does not use
// database/sql, which converts each value to an interface: that took more than
// half of the time.
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
			conn.SetInterrupt(context.Background()) // the snapshot must be closed even if ctx has ended
			_ = conn.Exec("ROLLBACK")               // nothing was written
		}()
		return d.scan(conn, keys, w, yield)
	})
}

func (d *sqlite) scan(conn *sqlite3.Conn, keys []int64, w fleet.Window, yield func(int, fleet.Millis, float64) bool) error {
	window, err := d.window(conn)
	if err != nil {
		return err
	}
	defer func() { _ = window.Reset() }() // its error is that of the last step
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

// window returns the prepared statement of readWindow on a connection.
func (d *sqlite) window(conn *sqlite3.Conn) (*sqlite3.Stmt, error) {
	if s, ok := d.windows.Load(conn); ok {
		return s.(*sqlite3.Stmt), nil
	}
	s, _, err := conn.Prepare(d.text(readWindow, 0))
	if err == nil {
		d.windows.Store(conn, s)
	}
	return s, err
}

// closeWindow closes the statement of conn, before conn is closed. SQLite does not
// close a connection with an open statement.
func (d *sqlite) closeWindow(conn *sqlite3.Conn) error {
	if s, ok := d.windows.LoadAndDelete(conn); ok {
		return s.(*sqlite3.Stmt).Close()
	}
	return nil
}
