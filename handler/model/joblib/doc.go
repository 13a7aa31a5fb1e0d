// Package joblib reads what joblib.dump adds to a pickle. The whole file may be compressed,
// which its first bytes say. The data of an array is not in the pickle: it follows in the
// stream after the opcode that builds the description of the array.
//
// It reads files of joblib 0.11 and later, uncompressed or compressed with zlib, gzip, bz2,
// lzma, xz or lz4.
package joblib
