// Package store keeps readings and the ledger of runs and jobs in SQL: in a
// SQLite file by default, in Azure SQL (or any SQL Server) in production. It is
// the only package that speaks SQL or imports its drivers.
//
// [Open] chooses the dialect by the DSN and does not connect; [DB.Migrate]
// brings the schema up to date. The ledger's rules are written once, in the
// dialects' common SQL; what differs stands in sqlite*.go and sqlserver*.go.
// Package storetest is the suite that both dialects pass.
//
// # Rules of the ledger
//
// State moves by compare-and-set: a statement names the revision, state or
// epoch that it expects, and the number of rows it changed says whether it was
// so. No lock is held while anything but SQL is waited for. Jobs leave their
// run's row alone, but for what re-opens a closed job: that raises the run's
// epoch in the same transaction, and touches the run's row first, so that all
// transactions take their locks in one order.
//
// Readings are inserted under the lock "watermark", shared, and windows opened
// under it, exclusive. So a new reading is either there when its window opens,
// or older than the watermark that its transaction sees: then it leaves a mark
// in that transaction, from which [DB.ReopenLate] re-opens the sensor's job.
//
// # Errors
//
// Connection errors, throttling and deadlocks are tried again inside the
// context's deadline, or for a minute where it has none; what then remains
// wraps [fleet.ErrUnavailable]. Every method may therefore have taken effect
// although it reports an error, or report no change because its own first try,
// whose answer was lost, made it: callers look again, as the ledger's rules
// have it.
package store
