// Package score turns jobs into predictions. It reads the readings of a sensor's window,
// predicts them with the sensor's model, writes the predictions as CSV to Blob storage,
// and closes the job in the ledger with its outcome.
//
// [Scorer] works on the messages of the queue, [Poison] on those that were
// delivered too often.
//
// # A job, step by step
//
// A message may come twice, late, or while a copy of it is worked on, and the
// process may be killed at any moment. The order of the steps makes this safe:
//
//  1. Inspect. Read the ETag of the job's CSV, then the job's row in SQL. The job
//     is scored only if it is queued, at the message's revision. If it is scored
//     already, its CSV must be the one that its row names; otherwise the job is
//     re-opened.
//  2. Score. Only now read the model and the readings. Write the CSV under the
//     condition that it still has that ETag. If it has another, start over.
//  3. Close. Close the job if its revision is unchanged and it is queued or failed.
//     If it was neither, or failed, others worked on it: start over, so that step 1
//     compares the CSV with the row.
//  4. End the run, if no job of it is queued any more.
//
// The first round of a job at revision 0 assumes that there is no CSV, and reads no ETag.
// This saves a request. If there is a CSV, writing fails, and the next round reads the
// ETag.
//
// The bytes of a CSV are a function of the readings, the model and the run's
// settings, and of nothing else.
//
// # Outcomes
//
// The table [fleet.Failures] says which error closes a job in which state. A model
// that takes another number of features than the run makes is a bad model, not bad
// data: that is known before any reading is read, and another model (or another
// SCORE_AGGREGATE) mends it. Bad data are rows that a model refuses because of
// their values, such as a sum that overflows. No data means that the window has no
// reading, or that no bucket of it has a value.
//
// After any other error the job is tried again: first within the invocation, then
// by the next delivery of the message. Each delivery that fails is noted as an attempt.
// [Poison] decides by the attempts when to give up.
package score
