// Package offline scores readings in files with models in a folder. It uses all cores of the
// machine, and needs no host, storage, queue or SQL.
//
// It assigns models with the same code as a run ([fleet.Assign]), and makes rows and
// predictions with the same code ([score.Predictions]). So each CSV has the same bytes as in a
// run over the same window. If a subject cannot be scored, it gets an error log, and the
// others are scored.
package offline
