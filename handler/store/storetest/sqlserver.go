package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	_ "github.com/microsoft/go-mssqldb"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// SQLServer is a schema of the test's own on the server that
// TEST_SQLSERVER_DSN names, so that tests leave nothing behind and never meet
// what is there.
var SQLServer = Dialect{"sqlserver", sqlserverSchema}

func sqlserverSchema(t testing.TB) string {
	u, err := url.Parse(needs.SQLServer(t))
	check(t, err)
	bare := u.String()
	schema := "fleetscore_test_" + strings.ToLower(rand.Text()[:12])
	query := u.Query()
	query.Set("schema", schema)
	u.RawQuery = query.Encode()
	t.Cleanup(func() { dropSchema(t, bare, schema) })
	return u.String()
}

// dropTables drops all tables of a schema, their foreign keys first.
const dropTables = `DECLARE @text nvarchar(max) = N'';
SELECT @text += N'ALTER TABLE ' + QUOTENAME(@schema) + N'.' + QUOTENAME(OBJECT_NAME(parent_object_id)) + N' DROP CONSTRAINT ' + QUOTENAME(name) + N';'
FROM sys.foreign_keys WHERE schema_id = SCHEMA_ID(@schema);
SELECT @text += N'DROP TABLE ' + QUOTENAME(@schema) + N'.' + QUOTENAME(name) + N';'
FROM sys.tables WHERE schema_id = SCHEMA_ID(@schema);
EXEC sp_executesql @text`

func dropSchema(t testing.TB, dsn, schema string) {
	db, err := sql.Open("sqlserver", dsn)
	check(t, err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), dropTables, sql.Named("schema", schema))
	check(t, err)
	_, err = db.ExecContext(context.Background(), "DROP SCHEMA IF EXISTS "+schema)
	check(t, err)
}
