package store

import "database/sql"

// Pools returns the pools of connections, which benchmarks look into.
func (db *DB) Pools() (reader, writer *sql.DB) { return db.reader, db.writer }

// Text returns the SQL of a bare statement in db's dialect.
func (db *DB) Text(s string) string { return db.text(statement(s), 0) }
