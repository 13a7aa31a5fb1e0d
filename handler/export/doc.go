// Package export writes the predictions of a run as Parquet files, for analysis: one
// file for each device and run,
//
//	preds/date=2026-03-04/device=machine-01/20260304T110000Z-20260304T120000Z.parquet
//
// and latest.json, which names the newest scheduled run that has ended. date is the
// day on which the window begins, in UTC. Tools that read Hive partitions get date and
// device as columns from the folders, so the files do not have them.
//
// The files are made from the CSVs that the ledger names, before the manifest is
// written. The same CSVs give the same bytes.
package export
