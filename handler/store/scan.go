package store

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// scanner is a row of a result.
type scanner interface{ Scan(dst ...any) error }

// millis scans a time: milliseconds in SQLite, datetime2 in SQL Server.
type millis fleet.Millis

// Scan implements [sql.Scanner].
func (m *millis) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*m = millis(v)
	case time.Time:
		*m = millis(fleet.MillisOf(v))
	default:
		return fmt.Errorf("store: %T is no moment", src)
	}
	return nil
}

func (m millis) time() time.Time { return fleet.Millis(m).Time() }

// moment scans a time that may be NULL. NULL becomes the zero time.
type moment struct{ t *time.Time }

// Scan implements [sql.Scanner].
func (n moment) Scan(src any) error {
	*n.t = time.Time{}
	if src == nil {
		return nil
	}
	var m millis
	err := m.Scan(src)
	*n.t = m.time()
	return err
}

var (
	_ sql.Scanner = (*millis)(nil)
	_ sql.Scanner = moment{}
)

// maxText is the length, in bytes, at which texts for people are cut: errors and names.
const maxText = 2000

// cut returns s as valid UTF-8 of at most [maxText] bytes. It replaces NUL, which
// not every server stores.
func cut(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	if len(s) <= maxText {
		return s
	}
	n := maxText - len("…")
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
