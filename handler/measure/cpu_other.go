//go:build !unix

package measure

import "time"

var begin = time.Now()

// CPU returns the time since the program began, as CPU time is not measured on this system.
func CPU() time.Duration { return time.Since(begin) }
