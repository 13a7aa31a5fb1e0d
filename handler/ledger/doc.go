// Package ledger holds those rules of runs and jobs that more than one function
// follows: how a run ends ([Ender]), how messages are sent for jobs that wait
// ([Sender]), how a job that came to nothing explains itself ([ErrorLog]), and
// what the blobs of a run are called.
//
// The ledger itself is in SQL; see package store. It is the outbox: what is still to
// be done stands there, and a message only says "look at this job". So everything
// here may be done twice, by several processes at once, and be killed at any point.
package ledger

import "github.com/fleetscore/fleetscore/handler/fleet"

// CSVName returns the name, in the container preds, of a job's predictions.
func CSVName(run string, id fleet.ID) string {
	return run + "/" + id.Path() + ".csv"
}

// ManifestName returns the name, in the container preds, of a run's manifest.
// No sensor's file can have it: those lie one folder deeper.
func ManifestName(run string) string { return run + "/manifest.json" }
