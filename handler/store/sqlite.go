package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

//go:embed migrations/sqlite
var sqliteScripts embed.FS

// sqlite is the dialect of SQLite: one file, many readers, one writer at a time.
// The writers of a process share one connection. Writers of other processes are
// waited for, up to the busy timeout.
type sqlite struct {
	texts
	windows sync.Map // of *sqlite3.Stmt by *sqlite3.Conn: readWindow, prepared
}

// busyTimeout is how long a writer waits for those of other processes. After it the
// transaction is retried.
const busyTimeout = 20 * time.Second

func (db *DB) openSQLite(dsn string, opt Options) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return fmt.Errorf("%w: SQL_DSN: %w", fleet.ErrInvalid, err)
	}
	query := u.Query()
	if query.Get("mode") == "memory" || strings.Contains(u.Opaque+u.Path, ":memory:") {
		return fmt.Errorf("%w: SQL_DSN: the ledger is shared by connections and processes: name a file, not memory", fleet.ErrInvalid)
	}
	d := &sqlite{}
	if db.writer, err = openPool(u, writerPragmas[:], d); err != nil {
		return err
	}
	if db.reader, err = openPool(u, readerPragmas[:], d); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	readers := opt.MaxConns - 1
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetMaxIdleConns(readers)
	db.reads, db.updates = &prepared{pool: db.reader}, &prepared{pool: db.writer}
	db.dialect = d
	return nil
}

var (
	busyPragma    = fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())
	writerPragmas = [...]string{
		busyPragma,            // must come first
		"synchronous(normal)", // safe from SIGKILL, not from loss of power
		"foreign_keys(on)",
		"cache_size(-16000)",        // 16 MB
		"temp_store(memory)",        // statement journals in memory: in a file, each row would need a system call
		"wal_autocheckpoint(16000)", // 64 MB, so that a page that is written often is seldom copied to the file
	}
	readerPragmas = [...]string{busyPragma, "query_only(on)"}
)

// keepPlans makes SQLite plan statements independently of their parameters (QPSG,
// the query planner stability guarantee). By default SQLite uses the parameters with
// the statistics of ANALYZE, which does not run here. Then it prepares a statement
// again for each execution with other parameters.
func keepPlans(c *sqlite3.Conn) error {
	_, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	return err
}

func openPool(u *url.URL, pragmas []string, d *sqlite) (*sql.DB, error) {
	query := u.Query()
	query.Set("_txlock", "immediate")
	query["_pragma"] = append(slices.Clone(pragmas), query["_pragma"]...)
	named := *u
	named.RawQuery = query.Encode()
	pool, err := driver.Open(named.String(), keepPlans, d.closeWindow)
	if err != nil {
		return nil, fmt.Errorf("%w: SQL_DSN: %w", fleet.ErrInvalid, err)
	}
	return pool, nil
}

func (d *sqlite) text(s statement, rows int) string { return d.texts.of(s, rows, sqliteText) }

// sqliteText writes a list as a common table expression before the statement, so
// that the positional parameters come before all others. The list is cross-joined with
// the next table, because SQLite does not reorder a cross join: it seeks the rows of
// that table for each row of the list. If it had the choice, it would read the whole
// table for a long list, and compare each row with the list's rows one by one.
func sqliteText(s statement, rows int) string {
	columns, mark := s.list()
	text := strings.NewReplacer("dbo.", "", "{top}", "", "{limit}", "LIMIT @limit").Replace(string(s))
	text = laterMark.ReplaceAllString(text, "($1 + 1000 * $2)")
	text = byMark.ReplaceAllString(text, "INDEXED BY $1")
	if columns == nil {
		return text
	}
	text = strings.Replace(text, mark+" JOIN", "k CROSS JOIN", 1)
	text = strings.Replace(text, mark, "k", 1)
	one := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	return fmt.Sprintf("WITH k (%s) AS (VALUES %s%s)%s", strings.Join(columns, ", "), one, strings.Repeat(", "+one, rows-1), text)
}

func (d *sqlite) time(t time.Time) any { return t.UnixMilli() }

// lock does nothing: every transaction that writes excludes all others.
func (d *sqlite) lock(context.Context, session, string, lockMode) error { return nil }

func (d *sqlite) migrations() fs.FS { return sub(sqliteScripts, "migrations/sqlite") }

func sub(all embed.FS, folder string) fs.FS {
	f, err := fs.Sub(all, folder)
	if err != nil {
		panic(err) // unreachable: the folder's name is valid
	}
	return f
}

// prepare sets the journal mode. The file keeps it, so that connections need not
// set it; to set it SQLite needs exclusive access to the file.
func (d *sqlite) prepare(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = wal"); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT`)
	return err
}

func (d *sqlite) faultOf(err error) fault {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return permanent
	}
	switch code {
	case sqlite3.BUSY, sqlite3.LOCKED, sqlite3.PROTOCOL, sqlite3.IOERR, sqlite3.FULL, sqlite3.NOMEM:
		return transient
	case sqlite3.CANTOPEN, sqlite3.READONLY, sqlite3.PERM, sqlite3.AUTH, sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.INTERRUPT:
		return unavailable
	case sqlite3.CONSTRAINT, sqlite3.MISMATCH, sqlite3.TOOBIG:
		return badRow
	case sqlite3.ERROR:
		if strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "no such column") {
			return notMigrated
		}
	}
	return permanent
}
