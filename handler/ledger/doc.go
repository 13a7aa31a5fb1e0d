// Package ledger holds those rules of runs and jobs that more than one function
// follows: how a run ends ([Ender]), how messages are sent for jobs that wait
// ([Sender]), how a job that came to nothing explains itself ([ErrorLog]), and
// what the blobs of a run are called.
//
// The ledger itself is SQL, in package store. It is the outbox: messages only
// say "look at this job", and everything here is safe to do twice, to be killed
// at, and to be done by many at once.
package ledger

import "github.com/fleetscore/fleetscore/handler/fleet"

// CSVName returns the name, in the container preds, of a job's predictions.
func CSVName(run string, id fleet.ID) string {
	return run + "/" + id.Path() + ".csv"
}

// ManifestName returns the name, in the container preds, of a run's manifest.
// No sensor's file can have it: those lie one folder deeper.
func ManifestName(run string) string { return run + "/manifest.json" }
