package ingest

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/fleetscore/fleetscore/handler/sensor"
)

// parseTime reads the time of a reading; the package comment has the forms.
func parseTime(v value) (sensor.Millis, error) {
	if v.kind == '0' || v.kind == '"' && len(v.text) > 0 && number(v.text) == len(v.text) {
		return epoch(v.text)
	}
	if v.kind == '"' {
		if m, ok := timestamp(v.text); ok {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%w: %.60q is no time: send 2018-08-28T23:00:05.000Z, or milliseconds since 1970", sensor.ErrInvalid, v.text)
}

// epoch reads milliseconds since 1970.
func epoch(b []byte) (sensor.Millis, error) {
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return sensor.Millis(n), nil
	}
	x, err := strconv.ParseFloat(string(b), 64)
	x = math.Floor(x)
	if err != nil || x < float64(sensor.MinMillis) || x > float64(sensor.MaxMillis) {
		return 0, fmt.Errorf("%w: %.40s ms lies outside the years 1 to 9999", sensor.ErrInvalid, b)
	}
	return sensor.Millis(x), nil
}

// timestamp reads RFC 3339, or that with a blank for the T, which may go
// without an offset. It is stricter than [time.Parse], and faster.
func timestamp(b []byte) (sensor.Millis, bool) {
	const form = "0000-00-00_00:00:00"
	if len(b) < len(form) || !fits(b, form) {
		return 0, false
	}
	sep := b[10]
	if sep != 'T' && sep != 't' && sep != ' ' {
		return 0, false
	}
	t, ok := date(b)
	if !ok {
		return 0, false
	}
	ms, rest, ok := fraction(b[len(form):])
	if !ok {
		return 0, false
	}
	if len(rest) == 0 {
		return t + ms, sep == ' '
	}
	off, ok := offset(rest)
	return t + ms - off, ok
}

// fits reports whether b begins as form says: 0 is any digit, _ is anything.
func fits(b []byte, form string) bool {
	for i := range len(form) {
		switch c := form[i]; {
		case c == '_':
		case c == '0':
			if b[i] < '0' || b[i] > '9' {
				return false
			}
		case b[i] != c:
			return false
		}
	}
	return true
}

// date reads the date and time of day, to whole seconds. There are no leap
// seconds in the milliseconds since 1970.
func date(b []byte) (sensor.Millis, bool) {
	year, month, day := two(b[0:])*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return sensor.MillisOf(t), t.Day() == day // else the month is shorter
}

// two returns the number in two digits.
func two(b []byte) int { return int(b[0]-'0')*10 + int(b[1]-'0') }

// fraction reads the fraction of a second, if there is one, cut to
// milliseconds.
func fraction(b []byte) (ms sensor.Millis, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	n := digits(b[1:])
	for i := 1; i <= 3; i++ {
		ms *= 10
		if i <= n {
			ms += sensor.Millis(b[i] - '0')
		}
	}
	return ms, b[1+n:], n > 0
}

// offset reads Z or an offset such as +05:30.
func offset(b []byte) (sensor.Millis, bool) {
	if len(b) == 1 {
		return 0, b[0] == 'Z' || b[0] == 'z'
	}
	const form = "_00:00"
	if len(b) != len(form) || !fits(b, form) || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hours, minutes := two(b[1:]), two(b[4:])
	off := sensor.Millis(hours*60+minutes) * 60_000
	if b[0] == '-' {
		off = -off
	}
	return off, hours < 24 && minutes < 60
}
