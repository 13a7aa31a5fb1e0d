package storetest

import (
	"os"
	"testing"
)

// SQLServer is a schema of its own on the server that TEST_SQLSERVER_DSN names.
var SQLServer = Dialect{"sqlserver", func(t testing.TB) string { return os.Getenv("TEST_SQLSERVER_DSN") }}

func requireSQLServer(t testing.TB) {
	if os.Getenv("TEST_SQLSERVER_DSN") == "" {
		t.Skip("SKIPPED: the SQL Server dialect is NOT tested: set TEST_SQLSERVER_DSN=sqlserver://user:password@host?database=name")
	}
}
