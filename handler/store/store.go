package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Options are the optional parts of [Open].
type Options struct {
	Log      *slog.Logger // gets a line at level debug for each retry; nil for none
	MaxConns int          // the largest number of connections: 8 if zero, and at least 2
}

// DB is a database of readings and the ledger. It is safe for concurrent use.
type DB struct {
	dialect
	log    *slog.Logger
	reader *sql.DB
	writer *sql.DB // the same as reader where the database takes many writers
	// reads and updates run single statements on reader and writer.
	reads, updates querier
	// streams is a semaphore for the connections that [DB.Readings] may hold. The
	// others stay free for other calls of the same caller.
	streams chan struct{}
	keys    *lru.Cache[fleet.ID, int64]
}

// maxKeys is the size of the cache of subjects' keys: about 20 MB when full.
const maxKeys = 1 << 17

// dialect is the part that differs between SQLite and SQL Server.
type dialect interface {
	// text returns the SQL of s. Its list, if it has one, has the given number of rows.
	text(s statement, rows int) string
	// time returns t as a parameter.
	time(t time.Time) any
	// lock takes the named lock until tx ends.
	lock(ctx context.Context, tx session, name string, mode lockMode) error
	// insertReadings inserts the rows that are not stored yet. Rows are sorted and
	// have distinct sensors and times. It returns the number of inserted rows, and
	// the rows that are stored with another value. It uses one transaction under the
	// shared lock "watermark", which also inserts marks for the late rows. If c is not
	// nil, it counts in that transaction what was wrong.
	insertReadings(ctx context.Context, writer *sql.DB, rows []row, c *faultCounter) (inserted int, conflicts []conflict, err error)
	// readings calls yield with the readings of each of keys in the window, in the
	// order of keys and then of time, until yield returns false. i is the index of
	// the key.
	readings(ctx context.Context, reader *sql.DB, keys []int64, w fleet.Window, yield func(i int, ts fleet.Millis, value float64) bool) error
	// prepare makes the database ready for migrations.
	prepare(ctx context.Context, db *sql.DB) error
	migrations() fs.FS
	// faultOf classifies err.
	faultOf(err error) fault
}

type lockMode string

const (
	shared    lockMode = "Shared"
	exclusive lockMode = "Exclusive"
)

// The names of locks.
const (
	watermarkLock = "watermark" // shared while readings are inserted, exclusive while a window opens
	registryLock  = "registry"  // exclusive while sensors or models are registered or assigned
	migrateLock   = "migrate"
)

// Open returns the database that dsn names, without connecting to it:
//
//	file:/path/fleetscore.db                  SQLite
//	sqlserver://host?database=name&...        SQL Server and Azure SQL
//
// The parameters of a sqlserver DSN are go-mssqldb's, with fedauth for
// identities, and schema, the schema that holds the tables (dbo if absent).
// The error wraps [fleet.ErrInvalid].
func Open(dsn string, opt Options) (*DB, error) {
	if opt.MaxConns == 0 {
		opt.MaxConns = 8
	}
	opt.MaxConns = max(opt.MaxConns, 2)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	keys, err := lru.New[fleet.ID, int64](maxKeys)
	if err != nil {
		return nil, err
	}
	db := &DB{log: opt.Log, keys: keys, streams: make(chan struct{}, opt.MaxConns/2)}
	scheme, _, _ := strings.Cut(dsn, ":")
	switch scheme {
	case "file":
		err = db.openSQLite(dsn, opt)
	case "sqlserver":
		err = db.openSQLServer(dsn, opt)
	default:
		err = fmt.Errorf("%w: SQL_DSN begins with neither file: nor sqlserver://", fleet.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	return db, nil
}

// Close closes all connections.
func (db *DB) Close() error {
	if db.reader == db.writer {
		return db.reader.Close()
	}
	return errors.Join(db.reader.Close(), db.writer.Close())
}
