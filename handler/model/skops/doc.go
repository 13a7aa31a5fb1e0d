// Package skops reads the files that skops.io.dump writes. Such a file is a zip file with a
// schema.json, which describes a tree of objects, and an .npy file for each array.
//
// The result has the values that package pickle returns for the same objects, so that one
// loader reads models from both. As there, nothing is imported or called, and the caller
// decides which classes the file may contain. Protocols 0 to 2 are supported, which skops 0.6
// to 0.16 write. The format is defined by the skops library
// (https://github.com/skops-dev/skops, skops/io).
package skops
