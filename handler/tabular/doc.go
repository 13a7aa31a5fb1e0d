// Package tabular reads readings from the files in which people keep them: CSV
// with any delimiter, JSON lines and JSON arrays, and Parquet; plain or
// compressed by gzip or zstd; in UTF-8, UTF-16 or Windows-1252.
//
// A file is long, with a row a reading, or wide, with a row a moment and a
// column a sensor. Its columns are found by their usual names, or by the names
// in [Options].
//
// A row that cannot be accepted is counted in the [Report] and holds up no
// other. A cell that says that there is no value (empty, NaN, "Bad", "null" and
// the like) is missing, which is no error.
package tabular
