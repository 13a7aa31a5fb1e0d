// Package app builds everything from the settings and mounts the functions:
// the one place where the packages meet.
//
// Building sends nothing and waits for nothing. SQL and storage are reached
// when an invocation needs them; a local database gets its tables in the
// background meanwhile.
package app
