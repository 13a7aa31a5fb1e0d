package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/golang-sql/civil"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

//go:embed migrations/sqlserver
var sqlserverScripts embed.FS

// sqlserver is the dialect of SQL Server and Azure SQL: many writers, which wait
// for one another only by row locks and application locks. READ_COMMITTED_SNAPSHOT
// must be on, as it is in Azure SQL: readers then wait for no writer.
type sqlserver struct {
	texts
	schema string
}

var schemaName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (db *DB) openSQLServer(dsn string, opt Options) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return fmt.Errorf("%w: SQL_DSN: it is no URL; escape special characters of the password as %%XX", fleet.ErrInvalid) // err would show the password
	}
	d := &sqlserver{schema: "dbo"}
	query := u.Query()
	if s := query.Get("schema"); s != "" {
		if !schemaName.MatchString(s) {
			return fmt.Errorf("%w: SQL_DSN: schema %.80q is not made of letters, digits and _", fleet.ErrInvalid, s)
		}
		d.schema = s
		query.Del("schema")
		u.RawQuery = query.Encode()
	}
	connector, err := newConnector(u)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(opt.MaxConns)
	pool.SetMaxIdleConns(opt.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db.reader, db.writer, db.dialect = pool, pool, d
	db.reads, db.updates = pool, pool
	return nil
}

func (d *sqlserver) text(s statement, rows int) string {
	return d.of(s, rows, func(s statement, rows int) string { return sqlserverText(s, rows, d.schema) })
}

// sqlserverText writes a list as a derived table.
func sqlserverText(s statement, rows int, schema string) string {
	text := strings.NewReplacer("dbo.", schema+".", "{schema}", schema, "{watermark}", resource(schema, watermarkLock), "{top}", "TOP (@limit)", "{limit}", "").Replace(string(s))
	text = laterMark.ReplaceAllString(text, "DATEADD(second, $2, $1)")
	text = byMark.ReplaceAllString(text, "")
	columns, mark := s.list()
	if columns == nil {
		return text
	}
	var b strings.Builder
	for n := range rows * len(columns) {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%len(columns) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "@p%d", n+1)
	}
	return strings.Replace(text, mark, fmt.Sprintf("(VALUES %s)) AS k (%s)", b.String(), strings.Join(columns, ", ")), 1)
}

// time returns t as datetime2, the type of the columns. By default the driver sends
// datetimeoffset, for which the server could not seek in an index.
func (d *sqlserver) time(t time.Time) any {
	return civil.DateTimeOf(t.UTC().Truncate(time.Millisecond))
}

// Locks are waited for at most 10 s. Then the transaction is retried.
const (
	takeLock statement = `
DECLARE @got int;
EXEC @got = sp_getapplock @Resource = @resource, @LockMode = @mode, @LockOwner = 'Transaction', @LockTimeout = 10000;
SELECT @got;`

	// openStage takes the shared lock "watermark", creates a temporary table and,
	// under the lock, reads the watermark. It has no parameters, because with
	// parameters the table would be dropped at the end of the statement.
	openStage statement = `
DECLARE @got int;
EXEC @got = sp_getapplock @Resource = N'{watermark}', @LockMode = 'Shared', @LockOwner = 'Transaction', @LockTimeout = 10000;
CREATE TABLE #stage (sensor_id int NOT NULL, ts datetime2(3) NOT NULL, value float NOT NULL);
SELECT @got, (SELECT upto FROM dbo.watermark WHERE id = 1);`
)

// resource returns a lock's name on the server. Each schema has its own locks.
func resource(schema, lock string) string {
	if schema != "dbo" {
		return schema + "." + lock
	}
	return lock
}

// lockError is a lock that was not granted. The code is what sp_getapplock
// returned: -1 for a timeout, -2 if it was cancelled, -3 for a deadlock.
type lockError struct {
	resource string
	code     int
}

func (e lockError) Error() string {
	return fmt.Sprintf("application lock %s not granted: sp_getapplock returns %d", e.resource, e.code)
}

func (d *sqlserver) lock(ctx context.Context, tx session, name string, mode lockMode) error {
	name = resource(d.schema, name)
	return granted(ctx, tx, takeLock, name, nil, sql.Named("resource", name), sql.Named("mode", string(mode)))
}

// granted runs a statement that takes a lock. The statement's row has the return
// value of sp_getapplock, and then the values for dst.
func granted(ctx context.Context, tx session, s statement, resource string, dst []any, args ...any) error {
	var got int
	_, err := tx.one(ctx, s, append([]any{&got}, dst...), args...)
	if err == nil && got < 0 {
		return lockError{resource, got}
	}
	return err
}

func (d *sqlserver) migrations() fs.FS { return sub(sqlserverScripts, "migrations/sqlserver") }

const (
	createSchema statement = `IF SCHEMA_ID(N'{schema}') IS NULL EXEC (N'CREATE SCHEMA {schema}')`

	createMigrations statement = `
IF OBJECT_ID(N'dbo.schema_migrations', N'U') IS NULL
CREATE TABLE dbo.schema_migrations (
    version int           NOT NULL CONSTRAINT schema_migrations_pk PRIMARY KEY CLUSTERED,
    name    nvarchar(200) NOT NULL
)`
)

func (d *sqlserver) prepare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s := session{d, tx}
	if err := d.lock(ctx, s, migrateLock, exclusive); err != nil {
		return err
	}
	for _, create := range []statement{createSchema, createMigrations} {
		if _, err := s.exec(ctx, create); err != nil {
			return err
		}
	}
	return tx.Commit()
}
