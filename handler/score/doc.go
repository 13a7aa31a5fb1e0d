// Package score turns jobs into predictions: the readings of a sensor's window
// go through the sensor's model and become a CSV in blob storage, and the job
// is closed in the ledger with what came of it.
//
// [Scorer] works on the messages of the queue, [Poison] on those that were
// delivered too often.
//
// # A job, step by step
//
// A message may come twice, late, or beside a copy of itself, and the process
// may be killed at any moment. What makes this safe is the order of the steps:
//
//	(a) read the ETag of the job's CSV, then the job's row. Only a job that is
//	    queued, at the message's revision, is worked on. If it is scored, its
//	    CSV must be the one that its row names: else the job is re-opened.
//	(b) only now read model and readings, score, and write the CSV under the
//	    condition that it still has that ETag. If it has not: (a) again.
//	(c) close the job where its revision is unchanged and it is queued or
//	    failed. If it was neither, or failed: (a) again, with the look.
//	(d) try to end the run.
//
// At revision 0 the first pass takes it that there is no CSV, which saves a
// request; writing one then fails if there is, and (a) looks.
//
// The bytes of a CSV are a function of the readings, the model and the run's
// settings, and of nothing else.
//
// # Outcomes
//
// Which error closes a job in which state is [fleet.Failures]. A model that
// takes another number of features than the run makes is a bad model, not bad
// data: it is known before any reading is looked at, and another model (or
// another SCORE_AGGREGATE) mends it. Bad data is what a model refuses because
// of its values, such as a sum that overflows. A window without a reading, or
// whose buckets all lack a value, is no data.
//
// Every other error is first tried again within the invocation, then noted as
// an attempt, and then left to the next delivery; [Poison] decides by the
// attempts when to give up.
package score
