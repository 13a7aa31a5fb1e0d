// Package series sorts readings by sensor and time. Readings may come in any order, and may be
// more than fit in memory.
//
// Readings are added to a [Set]. When they take too much memory, the set writes them to a
// file, sorted by sensor and time. When the series of a sensor is read, its parts in all files
// and in memory are merged. [Set.Samples] merges the series of several sensors by time. Files
// are read in pieces, which are smaller if there are more files.
//
// If a sensor has several readings at the same time, the series has the one that was added
// first, as in the database: see [Set.Copies].
package series
