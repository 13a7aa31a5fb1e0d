package store

import (
	"database/sql"
	"strings"
	"testing"
)

// Pools returns the pools of connections, which benchmarks look into.
func (db *DB) Pools() (reader, writer *sql.DB) { return db.reader, db.writer }

// Text returns the SQL of a bare statement in db's dialect.
func (db *DB) Text(s string) string { return db.text(statement(s), 0) }

// Plan returns how SQLite executes a text with args: its steps, divided by semicolons.
func (db *DB) Plan(t *testing.T, text string, args ...any) string {
	t.Helper()
	steps, err := db.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer steps.Close()
	var plan []string
	for steps.Next() {
		var id, parent, unused int
		var detail string
		if err := steps.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := steps.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}

// OfDevice are the statements that look for a few jobs among those of all runs.
var OfDevice = map[string]string{"jobs": string(jobsOfDevice), "anomalies": string(anomaliesOfDevice), "versions": string(sumVersions)}
