// Package tabular reads readings from files: CSV with any delimiter, JSON lines and JSON
// arrays, and Parquet. Files may be compressed with gzip or zstd. Text may be in UTF-8,
// UTF-16 or Windows-1252.
//
// A file is long or wide. A long file has a row for each reading. A wide file has a row for
// each time and a column for each sensor. Columns are found by their usual names, or by
// the names in [Options].
//
// A row that cannot be accepted is counted in the [Report]; the other rows are read. A cell
// such as an empty one, NaN, "Bad" or "null" is a missing value, which is not an error.
package tabular
