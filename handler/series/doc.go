// Package series sorts readings that come in any order, of any number of sensors,
// into the series of each: by time, each time once. What does not fit into memory
// goes to disk.
//
// A [Set] takes readings one by one. When they hold more memory than it may use, it
// writes them to a file, sensor after sensor and each sensor's by time, and goes on.
// In the end, the series of a sensor is merged from its parts of all files, and
// several sensors' are merged by time. Each part is read piece by piece: the more
// there are, the smaller the pieces.
//
// Of readings of one sensor at one time the first that was added stays, as in the
// database: see [Set.Copies].
package series
