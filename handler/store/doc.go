// Package store keeps readings and the ledger of runs and jobs in SQL: in a
// SQLite file by default, in Azure SQL (or any SQL Server) in production. It is
// the only package with SQL and database drivers.
//
// [Open] chooses the dialect by the DSN and does not connect. [DB.Migrate]
// brings the schema up to date. The ledger's statements are written once, in SQL
// that both dialects accept. The differences are in sqlite*.go and sqlserver*.go.
// Package storetest has the tests that both dialects pass.
//
// # Rules of the ledger
//
// State changes by compare-and-set. A statement names the revision, state or
// epoch that it expects. The number of rows that it changed tells whether the
// expectation was true. A transaction waits for nothing but SQL.
//
// A job is closed without a change of its run's row. Re-opening a closed job
// raises the run's epoch in the same transaction. It changes the run's row first,
// so that all transactions take their locks in the same order.
//
// Readings are inserted with a shared lock "watermark", and windows opened with
// an exclusive one. So a new reading is either stored when its window opens, or
// older than the watermark that its transaction reads. In the second case the
// transaction also inserts a mark. [DB.ReopenLate] re-opens the sensor's job for it.
//
// # Errors
//
// After connection errors, throttling and deadlocks a method tries again until the
// context's deadline, or for a minute if it has none. The last error then wraps
// [fleet.ErrUnavailable]. The answer to a statement may be lost. So a method that
// returns an error may have changed the database. A method that reports no change
// may have made it in its first try. Callers read the state again.
package store
