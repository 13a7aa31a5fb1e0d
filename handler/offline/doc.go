// Package offline scores readings in files with models in a folder, on all cores of
// a machine: without a host, storage, a queue or SQL.
//
// It judges what a run over the same window would ([fleet.Assign]), makes rows and
// predictions with the same code ([score.Predictions]), and so writes the same bytes
// into each CSV. A subject that cannot be scored has an error log, and holds up no
// other.
package offline
