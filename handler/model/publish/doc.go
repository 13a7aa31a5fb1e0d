// Package publish brings model files into the container from which sensors are
// scored: it finds them in a folder, by any naming, checks that each can be
// used, uploads what changed, and keeps the one before, to which a sensor can
// be rolled back.
//
// A published model counts from the next job on. The blob that serves a sensor
// is overwritten in place, in one atomic step, so no job meets a sensor with
// no model or with two.
package publish
