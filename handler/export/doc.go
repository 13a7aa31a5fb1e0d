// Package export writes the predictions of a run once more, for those who analyse
// them: as Parquet, one file a device and run,
//
//	preds/date=2026-03-04/device=machine-01/20260304T110000Z-20260304T120000Z.parquet
//
// and latest.json, which names the newest scheduled run that has ended. date is the
// day on which the window begins, in UTC; date and device are columns to whatever
// reads folders in the manner of Hive, and so are not in the files.
//
// The files are made of the CSVs that the ledger names, before the manifest is
// written: see docs/ledger.md. The same CSVs give the same bytes.
package export
