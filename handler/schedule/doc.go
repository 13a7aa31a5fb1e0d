// Package schedule is the tick, which runs each minute. It stores batches that ingest spilled,
// opens the runs that are due, re-opens jobs for late readings, sends messages for jobs, sends
// lost messages again, ends runs, deletes old data, and sums days.
//
// The watermark in the ledger is the end of the last scheduled window that was opened. The
// next window begins there and ends at the next time of the schedule. It is opened when
// [Ticker.Delay] has passed since its end. So windows have no gaps and do not overlap, after an
// outage and after a change of the schedule. The very first tick sets the watermark to the last
// time of the schedule and opens nothing: the schedule does not score the past.
//
// Every step may be repeated, killed, and run by two ticks at the same time, because all state
// changes by compare-and-set in the ledger.
package schedule
