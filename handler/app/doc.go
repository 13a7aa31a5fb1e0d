// Package app builds the application from the settings: it connects the other packages, and
// mounts the functions.
//
// Building sends nothing and waits for nothing. Invocations connect to SQL and storage when they
// need them. A local database gets its tables in the background.
package app
