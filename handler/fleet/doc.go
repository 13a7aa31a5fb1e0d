// Package fleet has the types that all other packages share: sensors and their
// readings, windows of time, runs, jobs, and queue messages. It also has the sentinel
// errors, and the table [Failures] of what each of them means for a job and for the
// Functions host.
//
// The package imports no other package of this module. All times are in UTC.
package fleet
