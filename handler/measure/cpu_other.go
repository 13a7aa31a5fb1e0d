//go:build !unix

package measure

import "time"

var begin = time.Now()

// CPU returns the time on the clock, where no other can be had.
func CPU() time.Duration { return time.Since(begin) }
