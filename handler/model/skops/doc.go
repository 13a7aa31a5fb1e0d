// Package skops reads the files that skops.io.dump writes: a zip file of a
// schema.json, which describes a tree of objects, and of the arrays that they
// hold, each an .npy file.
//
// It gives the plain values that package pickle gives for the same objects, so
// that whoever makes models of pickles makes them of these too. As there, nothing
// is imported or called: which classes may stand in the file is the caller's
// list. Protocols 0 to 2, of skops 0.6 to 0.16, are read. The format is that of
// the skops library (https://github.com/skops-dev/skops, skops/io).
package skops
