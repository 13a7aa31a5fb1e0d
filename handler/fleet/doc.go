// Package fleet holds the nouns that every other package speaks: sensors and
// their readings, windows of time, runs, jobs, the messages that carry jobs,
// and the sentinel errors with the one table that says what each of them means
// for a job and for the Functions host.
//
// It validates what it names and imports nothing of ours. All times are UTC.
package fleet
