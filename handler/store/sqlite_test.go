package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestStatementsAreKept checks that SQLite prepares a statement once, whatever its
// parameters are, inside and outside a transaction. The statement is closed with its
// connection.
func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	var readings []fleet.Reading
	var ids []fleet.ID
	for i := range 3 {
		id := fleet.ID{Device: "d", Sensor: fmt.Sprint(i)}
		ids = append(ids, id)
		readings = append(readings, fleet.Reading{ID: id, Time: 1_000, Value: float64(i)})
	}
	if _, err := db.InsertReadings(t.Context(), readings, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	d := db.dialect.(*sqlite)
	window := fleet.Window{From: time.UnixMilli(0).UTC(), To: time.UnixMilli(2_000).UTC()}
	for range 3 {
		got := 0
		for _, err := range db.Readings(t.Context(), ids, window) {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
		if got != len(ids) {
			t.Fatalf("%d readings, want %d", got, len(ids))
		}
	}
	kept := 0
	d.windows.Range(func(_, s any) bool {
		kept++
		if again := s.(*sqlite3.Stmt).Status(sqlite3.STMTSTATUS_REPREPARE, false); again != 0 {
			t.Errorf("a read statement was prepared again %d times, want never", again)
		}
		return true
	})
	if kept != 1 { // one after another, all reads have one connection
		t.Errorf("%d statements are kept for reading, want one", kept)
	}

	const raise statement = `UPDATE dbo.readings SET value = value + 1 WHERE sensor_id > @key`
	left := errors.New("left")
	for i, end := range []error{nil, left, nil, nil} {
		_, err := db.write(t.Context(), "raising", func(ctx context.Context, tx session) error {
			if n, err := tx.exec(ctx, raise, sql.Named("key", 0)); err != nil || n != 3 {
				t.Errorf("%d rows changed, %v; want 3", n, err)
			}
			if _, direct := tx.q.(*preparedTx).stmt(ctx, d.text(raise, 0)); direct != (i > 0) {
				t.Errorf("transaction %d: the statement is kept: %v, want %v", i, direct, i > 0)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	conn, err := db.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(c any) error {
		prepared := 0
		for s := range c.(driver.Conn).Raw().Stmts() {
			if s.SQL() != d.text(raise, 0) {
				continue
			}
			prepared++
			if again := s.Status(sqlite3.STMTSTATUS_REPREPARE, false); again != 0 {
				t.Errorf("a statement that writes was prepared again %d times, want never", again)
			}
		}
		if prepared != 1 {
			t.Errorf("the statement is prepared %d times, want once", prepared)
		}
		return nil
	})
	if err := errors.Join(err, conn.Close(), db.Close()); err != nil {
		t.Errorf("closing: %v", err)
	}
	d.windows.Range(func(any, any) bool {
		t.Error("a statement outlives its connection")
		return false
	})
}
