package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

func openTest(t *testing.T) *DB {
	t.Helper()
	db, err := Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "s.db")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// failing is SQLite whose first inserts of readings fail. It always refuses the value 13.
type failing struct {
	dialect
	errs  []error
	tries int
}

var errRefused = errors.New("refused")

func (d *failing) insertReadings(ctx context.Context, writer *sql.DB, rows []row, c *faultCounter) (int, []conflict, error) {
	d.tries++
	if len(d.errs) > 0 {
		err := d.errs[0]
		d.errs = d.errs[1:]
		return 0, nil, err
	}
	for _, r := range rows {
		if r.value == 13 {
			return 0, nil, errRefused
		}
	}
	return d.dialect.insertReadings(ctx, writer, rows, c)
}

func (d *failing) faultOf(err error) fault {
	if errors.Is(err, errRefused) {
		return badRow
	}
	return (&sqlserver{}).faultOf(err)
}

func TestRetry(t *testing.T) {
	deadlock, down, denied := mssql.Error{Number: 1205}, mssql.Error{Number: 40613}, mssql.Error{Number: 229, Message: "denied"}
	for _, c := range []struct {
		name     string
		errs     []error
		deadline time.Duration // 0 for none
		tries    int           // 0 for any number
		want     string        // of the error, "" for success
	}{
		{"at once", nil, 0, 1, ""},
		{"after deadlocks", []error{deadlock, deadlock, deadlock}, 0, 4, ""},
		{"wrapped", []error{fmt.Errorf("commit: %w", deadlock)}, time.Minute, 2, ""},
		{"permanent", []error{denied}, 0, 1, "denied"},
		{"no time left", []error{down, down, down, down, down, down, down, down, down, down}, 50 * time.Millisecond, 0, "unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openTest(t)
			d := &failing{dialect: db.dialect, errs: c.errs}
			db.dialect = d
			ctx := t.Context()
			if c.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.deadline)
				defer cancel()
			}
			_, err := db.InsertReadings(ctx, []fleet.Reading{{ID: fleet.ID{Device: "d", Sensor: "s"}, Value: 1}}, fleet.Delivery{})
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if got := errors.Is(err, fleet.ErrUnavailable); got != (c.want == "unavailable") {
				t.Errorf("error %v is unavailable: %v, want %v", err, got, !got)
			}
			if c.tries != 0 && d.tries != c.tries {
				t.Errorf("%d tries, want %d", d.tries, c.tries)
			}
		})
	}
}

func TestCancelledContext(t *testing.T) {
	db := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := db.Watermark(ctx)
	if !errors.Is(err, fleet.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v and %v", err, fleet.ErrUnavailable, context.Canceled)
	}
}

// TestRefusedRows stores what it can of batches in which the database itself
// refuses some values.
func TestRefusedRows(t *testing.T) {
	db := openTest(t)
	db.dialect = &failing{dialect: db.dialect}
	id := fleet.ID{Device: "d", Sensor: "s"}
	batch := make([]fleet.Reading, 100)
	for i := range batch {
		batch[i] = fleet.Reading{ID: id, Time: fleet.Millis(i), Value: 1}
	}
	batch[3].Value, batch[50].Value, batch[99].Value = 13, 13, 13
	batch[4] = fleet.Reading{ID: id, Time: 3, Value: 7} // a copy of a refused one can be stored
	batch[5] = fleet.Reading{ID: id, Time: 6, Value: 2} // it is first, so the next conflicts
	stored, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range stored.Rejected {
		kind := fleet.FailureOf(r.Err).Err
		got = append(got, fmt.Sprint(r.Index, " ", kind))
	}
	want := []string{"3 invalid", "6 conflict", "50 invalid", "99 invalid"}
	if fmt.Sprint(got) != fmt.Sprint(want) || stored.Inserted != 96 || stored.Equal != 0 {
		t.Errorf("inserted %d, equal %d, rejected %v; want 96, 0, %v", stored.Inserted, stored.Equal, got, want)
	}
}

func TestFaultsOfSQLServer(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault
	}{
		{mssql.Error{Number: 1205}, transient},
		{fmt.Errorf("x: %w", mssql.Error{Number: 2627}), transient},
		{mssql.Error{Number: 40501}, transient},
		{mssql.Error{Number: 4060}, transient},
		{mssql.Error{Number: 18456, Class: 14}, unavailable},
		{mssql.Error{Number: 701, Class: 17}, transient},
		{mssql.Error{Number: 1204, Class: 19}, transient},
		{mssql.Error{Number: 9002, Class: 17}, transient},
		{mssql.Error{Number: 40549, Class: 16}, transient},
		{mssql.Error{Number: 4221, Class: 16}, transient},
		{mssql.Error{Number: 99999, Class: 20}, transient},
		{mssql.Error{Number: 102, Class: 15}, permanent},
		{mssql.Error{Number: 8152}, badRow},
		{mssql.Error{Number: 208}, notMigrated},
		{lockError{"watermark", -1}, transient},
		{driver.ErrBadConn, transient},
		{io.ErrUnexpectedEOF, transient},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, transient},
		{mssql.StreamError{InnerError: io.EOF}, transient},
		{errors.New("else"), permanent},
	} {
		if got := (&sqlserver{}).faultOf(c.err); got != c.want {
			t.Errorf("%T %v: fault %d, want %d", c.err, c.err, got, c.want)
		}
	}
}

// halfway is SQLite whose streams of readings break after their first row.
type halfway struct {
	dialect
	streams int
	again   func() // the second stream
}

func (d *halfway) readings(_ context.Context, _ *sql.DB, _ []int64, _ fleet.Window, yield func(int, fleet.Millis, float64) bool) error {
	if d.streams++; d.streams > 1 {
		d.again()
	}
	yield(0, 0, 1)
	return mssql.Error{Number: 1205}
}

func (d *halfway) faultOf(error) fault { return transient }

// TestBrokenStream checks that a stream is not begun again after it has yielded rows.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	id := fleet.ID{Device: "d", Sensor: "s"}
	if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id, Value: 1}}, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := &halfway{dialect: db.dialect, again: cancel}
	db.dialect = d
	rows := 0
	var last error
	for _, err := range db.Readings(ctx, []fleet.ID{id}, fleet.Window{To: time.Unix(1, 0)}) {
		if last = err; err == nil {
			rows++
		}
	}
	if rows != 1 || d.streams != 1 || !errors.Is(last, fleet.ErrUnavailable) {
		t.Errorf("%d rows of %d streams, then %v; want one of one, then %v", rows, d.streams, last, fleet.ErrUnavailable)
	}
}
