// Package joblib reads what joblib.dump adds to a pickle: compression of the
// whole file, told by its first bytes, and arrays whose data stand in the
// stream right after the opcode that builds their description.
//
// Files of joblib 0.11 and later are read, plain or compressed by zlib, gzip,
// bz2, lzma, xz or lz4.
package joblib
