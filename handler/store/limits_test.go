package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestCut checks that a text of the longest length stays as it is. A longer one is cut
// between characters, and ends in a mark.
func TestCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", maxText)
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"a\x00b\xffc", "a\ufffdb\ufffdc"}, {long, long}, {long + "a", long[:maxText-3] + "…"},
		{long[:maxText-4] + "é" + long, long[:maxText-4] + "…"},
		{long[:maxText-5] + "é" + long, long[:maxText-5] + "é…"},
	} {
		if got := cut(c.text); got != c.want || len(got) > maxText || !utf8.ValidString(got) {
			t.Errorf("%d bytes become %d, %.20q at the end; want %.20q", len(c.text), len(got), got[max(0, len(got)-10):], c.want[max(0, len(c.want)-10):])
		}
	}
}

// TestSQLiteFaults checks which errors of SQLite are tried again, and which are the fault
// of a row.
func TestSQLiteFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fault
	}{
		{sqlite3.BUSY, transient}, {sqlite3.BUSY_SNAPSHOT, transient}, {sqlite3.LOCKED, transient}, {sqlite3.PROTOCOL, transient}, {sqlite3.IOERR, transient},
		{sqlite3.IOERR_WRITE, transient}, {sqlite3.FULL, transient}, {sqlite3.NOMEM, transient},
		{sqlite3.CANTOPEN, unavailable}, {sqlite3.READONLY, unavailable}, {sqlite3.PERM, unavailable}, {sqlite3.AUTH, unavailable}, {sqlite3.CORRUPT, unavailable},
		{sqlite3.NOTADB, unavailable}, {sqlite3.INTERRUPT, unavailable},
		{sqlite3.CONSTRAINT, badRow}, {sqlite3.CONSTRAINT_NOTNULL, badRow}, {sqlite3.MISMATCH, badRow}, {sqlite3.TOOBIG, badRow},
		{fmt.Errorf("%w: no such table: runs", sqlite3.ERROR), notMigrated}, {fmt.Errorf("%w: no such column: x", sqlite3.ERROR), notMigrated},
		{sqlite3.ERROR, permanent}, {errors.New("no such table"), permanent},
	} {
		if got := (&sqlite{}).faultOf(fmt.Errorf("statement: %w", c.err)); got != c.want {
			t.Errorf("%v: fault %d, want %d", c.err, got, c.want)
		}
	}
}

// TestMinusZero checks that -0 goes to the database as 0.
func TestMinusZero(t *testing.T) {
	t.Parallel()
	b := batch{readings: []fleet.Reading{{ID: fleet.ID{Device: "d", Sensor: "s"}, Value: math.Copysign(0, -1)}}}
	if ids := b.check(); len(ids) != 1 || len(b.rows) != 1 || math.Signbit(b.rows[0].value) {
		t.Errorf("sensors %v, rows %v; want one row with the value 0", ids, b.rows)
	}
}

// TestStreams checks that streams of readings take at most half of the connections. A
// stream that waits for one gives up with its context.
func TestStreams(t *testing.T) {
	t.Parallel()
	db, err := Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "s.db")), Options{MaxConns: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := fleet.ID{Device: "d", Sensor: "s"}
	if _, err := db.InsertReadings(t.Context(), []fleet.Reading{{ID: id, Value: 1}}, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	deepest := 0
	var read func(depth int) error
	read = func(depth int) error {
		ctx := t.Context()
		if depth > 2 {
			gone, cancel := context.WithCancel(ctx)
			cancel()
			ctx = gone
		}
		for _, err := range db.Readings(ctx, []fleet.ID{id}, fleet.Window{To: time.Unix(1, 0)}) {
			if err != nil {
				return err
			}
			deepest = max(deepest, depth)
			if n := len(db.streams); n != depth {
				t.Errorf("%d places are taken by %d streams, want one each", n, depth)
			}
			return read(depth + 1)
		}
		return nil
	}
	if err := read(1); deepest != 2 || !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "waiting for a connection") {
		t.Errorf("%d streams, then %v; want 2, then an error of the wait for a connection", deepest, err)
	}
	if len(db.streams) != 0 {
		t.Errorf("%d places are taken when all is read, want none", len(db.streams))
	}
}
