// Package schedule is the tick: it stores what ingest spilled, opens the runs
// that are due, re-opens those that readings came too late for, sends messages
// for their jobs, sends again what was lost, ends runs, and sums days.
//
// A watermark in the ledger says up to where scheduled windows have been
// opened. The next window reaches from it to the next fire of the schedule, and
// is due once its end lies [Ticker.Delay] back. So windows tile time by
// construction: nothing is skipped after an outage, and a changed schedule
// leaves no hole. The first tick of all sets the watermark to the schedule's
// last fire, and opens nothing: it is not for the schedule to score the past.
//
// Every step is safe to repeat, to be killed at, and to be done by two ticks at
// once: what moves, moves by compare-and-set in the ledger.
package schedule
