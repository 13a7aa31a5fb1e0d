package store

import "database/sql"

// Pools returns the pools of connections, which benchmarks look into.
func (db *DB) Pools() (reader, writer *sql.DB) { return db.reader, db.writer }

// Text returns the SQL of a bare statement in db's dialect.
func (db *DB) Text(s string) string { return db.text(statement(s), 0) }

// OfDevice are the statements that look for a few jobs among those of all runs.
var OfDevice = map[string]string{"jobs": string(jobsOfDevice), "anomalies": string(anomaliesOfDevice), "versions": string(sumVersions)}
