// Package publish brings model files into the container from which sensors and
// devices are scored: it finds them in a folder, by any naming, packs a model with
// its features file, its scaler and the like into one file, checks that it can be
// used, uploads what changed, and keeps the one before, to which it can be rolled
// back. A model that is removed is kept too, and can be put back.
//
// A blob is overwritten in place, in one atomic step, so no job meets a sensor with
// no model or with two.
package publish
