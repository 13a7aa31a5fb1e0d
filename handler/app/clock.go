package app

import "time"

// now is the clock of all functions. It has a file of its own, which end-to-end tests replace to
// build a handler with another clock.
func now() time.Time { return time.Now() }
