package timestamp

import (
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// dotnet reads /Date(milliseconds)/ and /Date(milliseconds+hhmm)/, which old JSON serializers
// of .NET write. The offset is ignored: the milliseconds are since 1970 in UTC.
func dotnet(s string) (fleet.Millis, bool) {
	s = strings.ReplaceAll(s, `\/`, "/")
	inside, ok := strings.CutPrefix(s, "/Date(")
	if !ok {
		return 0, false
	}
	inside, ok = strings.CutSuffix(inside, ")/")
	if !ok {
		return 0, false
	}
	if i := strings.LastIndexAny(inside, "+-"); i > 0 && len(inside)-i == 5 {
		inside = inside[:i]
	}
	n, err := strconv.ParseInt(inside, 10, 64)
	return fleet.Millis(n), err == nil && n >= int64(fleet.MinMillis) && n <= int64(fleet.MaxMillis)
}

// iso reads a date that begins with the year, and the time of day and zone after it.
func (f Format) iso(s string) (fleet.Millis, bool) {
	year, s, ok := digits(s, 4)
	if !ok || year == 0 {
		return 0, false
	}
	separator := ""
	if len(s) > 0 && (s[0] == '-' || s[0] == '/') {
		separator, s = s[:1], s[1:]
	}
	month, s, ok1 := digits(s, 2)
	s, ok2 := strings.CutPrefix(s, separator)
	day, s, ok3 := digits(s, 2)
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	clock := [3]int{}
	var nanos int
	if s != "" {
		rest := strings.TrimLeft(s, " ")
		if len(rest) == len(s) {
			if s[0] == 'T' || s[0] == 't' || s[0] == '_' {
				rest = s[1:]
			} else if separator != "" {
				return 0, false
			}
		}
		if s, clock, nanos, ok = timeOfDay(rest); !ok {
			return 0, false
		}
	}
	zone, ok := f.zone(strings.TrimSpace(s))
	if !ok || clock[0] > 24 || clock[0] == 24 && (clock[1] != 0 || clock[2] != 0) || clock[1] > 59 || clock[2] > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], nanos, time.UTC)
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return fleet.MillisOf(In(zone, t)), d.Day() == day && d.Month() == time.Month(month)
}

// In returns the moment at which clocks in a zone show the date and time that t has in UTC. If
// they show it twice, it is the first moment. If they skip it, the offset from before the
// change is used.
func In(zone *time.Location, t time.Time) time.Time {
	const day = 24 * time.Hour // longer than any offset
	_, before := t.Add(-day).In(zone).Zone()
	first := t.Add(-time.Duration(before) * time.Second)
	_, after := t.Add(day).In(zone).Zone()
	second := t.Add(-time.Duration(after) * time.Second)
	shows := func(u time.Time) bool {
		_, offset := u.In(zone).Zone()
		return u.Add(time.Duration(offset) * time.Second).Equal(t)
	}
	if !shows(first) && shows(second) {
		return second
	}
	return first
}

// timeOfDay reads hh, hh:mm, hh:mm:ss or hhmmss, and a fraction of the second. Rest is the text
// after it.
func timeOfDay(s string) (rest string, clock [3]int, nanos int, ok bool) {
	colon := ""
	for i := range clock {
		if i > 0 && colon == "" && i == 1 && strings.HasPrefix(s, ":") {
			colon = ":"
		}
		next := s
		if i > 0 {
			var found bool
			if next, found = strings.CutPrefix(s, colon); !found {
				break
			}
		}
		n, after, is := digits(next, 2)
		if !is {
			if i == 0 || colon != "" {
				return "", clock, 0, false
			}
			break
		}
		clock[i], s = n, after
	}
	if len(s) > 1 && (s[0] == '.' || s[0] == ',') {
		end := 1
		for ; end < len(s) && '0' <= s[end] && s[end] <= '9'; end++ {
		}
		if end == 1 {
			return "", clock, 0, false
		}
		nanos, _ = strconv.Atoi((s[1:end] + "000000000")[:9])
		s = s[end:]
	}
	return s, clock, nanos, true
}

// zone reads the zone after the time of day. Empty text stands for f.Zone.
func (f Format) zone(s string) (*time.Location, bool) {
	if i := strings.IndexByte(s, '['); i > 0 && s[len(s)-1] == ']' { // Java writes +01:00[Europe/Berlin]: the offset is enough
		s = s[:i]
	}
	switch strings.ToUpper(s) {
	case "":
		if f.Zone != nil {
			return f.Zone, true
		}
		return time.UTC, true
	case "Z", "UTC", "GMT":
		return time.UTC, true
	}
	sign := 1
	switch s[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return nil, false
	}
	hours, rest, ok := digits(s[1:], 2)
	if !ok || hours > 23 {
		return nil, false
	}
	minutes := 0
	if rest != "" {
		if minutes, rest, ok = digits(strings.TrimPrefix(rest, ":"), 2); !ok || rest != "" || minutes > 59 {
			return nil, false
		}
	}
	return time.FixedZone("", sign*(hours*3600+minutes*60)), true
}

// digits reads a number of exactly n digits at the beginning of s.
func digits(s string, n int) (int, string, bool) {
	if len(s) < n {
		return 0, s, false
	}
	v := 0
	for i := range n {
		if s[i] < '0' || s[i] > '9' {
			return 0, s, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, s[n:], true
}
