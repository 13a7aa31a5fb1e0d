package app

import "time"

// now is the clock of all functions. It stands in a file of its own so that
// the tests of the whole application can build the handler with another one.
func now() time.Time { return time.Now() }
