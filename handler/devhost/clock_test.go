package devhost

import "time"

// now is a moment in whole milliseconds, as an event hub enqueues.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
