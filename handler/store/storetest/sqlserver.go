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

func dropSchema(t testing.TB, dsn, schema string) {
	db, err := sql.Open("sqlserver", dsn)
	check(t, err)
	defer db.Close()
	for _, table := range []string{"late_marks", "attempts", "jobs", "runs", "watermark", "readings", "sensors", "schema_migrations"} {
		_, err := db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+schema+"."+table)
		check(t, err)
	}
	_, err = db.ExecContext(context.Background(), "DROP SCHEMA IF EXISTS "+schema)
	check(t, err)
}
