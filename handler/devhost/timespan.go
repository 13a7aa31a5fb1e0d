package devhost

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var timeSpan = regexp.MustCompile(`^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$`)

// parseTimeSpan reads a TimeSpan of .NET, [days.]hh:mm[:ss[.fffffff]], which must not be negative.
func parseTimeSpan(s string) (time.Duration, error) {
	m := timeSpan.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is not a time span such as 00:00:30", s)
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // digits or empty
	}
	if n[1] > 23 || n[2] > 59 || n[3] > 59 || n[0] > 10_000 {
		return 0, fmt.Errorf("%q is not a time span: hours to 23, minutes and seconds to 59", s)
	}
	d := time.Duration(n[0])*24*time.Hour + time.Duration(n[1])*time.Hour +
		time.Duration(n[2])*time.Minute + time.Duration(n[3])*time.Second
	if m[5] != "" {
		ticks, _ := strconv.Atoi((m[5] + "000000")[:7])
		d += time.Duration(ticks) * 100
	}
	return d, nil
}

// formatTimeSpan writes d, without its fraction of a second, as .NET does: 00:10:00, 1.00:00:00.
func formatTimeSpan(d time.Duration) string {
	s := int(d / time.Second)
	text := fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if days := s / 86400; days > 0 {
		text = fmt.Sprintf("%d.%s", days, text)
	}
	return text
}
