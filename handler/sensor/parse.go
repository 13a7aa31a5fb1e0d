package sensor

import (
	"fmt"
	"strconv"
	"time"
)

// ParseMillis reads the three ways in which readings write their time:
// RFC 3339, the same with a space for the T and without a zone, which means
// UTC (2018-08-28 23:00:05.000), or the milliseconds since 1970 as decimal
// digits. Fractions finer than a millisecond are cut. Its error wraps
// [ErrInvalid].
func ParseMillis(s string) (Millis, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return inYears(Millis(ms))
	}
	for _, layout := range [...]string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return inYears(MillisOf(t))
		}
	}
	return 0, fmt.Errorf("%w: time %.80q is neither RFC 3339, nor 2018-08-28 23:00:05.000, nor milliseconds since 1970", ErrInvalid, s)
}

func inYears(m Millis) (Millis, error) {
	if m < MinMillis || m > MaxMillis {
		return 0, fmt.Errorf("%w: time %d ms lies outside the years 1 to 9999", ErrInvalid, int64(m))
	}
	return m, nil
}
