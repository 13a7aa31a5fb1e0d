// Package mapping makes readings of the bodies of events in the many shapes that
// people send.
package mapping
