package fleet

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseMillis parses the time of a reading in one of three forms:
//
//   - RFC 3339 with any offset,
//   - the same with a blank instead of the T. It may then have no offset, and is in
//     UTC: 2018-08-28 23:00:05.000,
//   - the milliseconds since 1970 as a decimal number.
//
// It rounds down to milliseconds. The error wraps [ErrInvalid].
//
// ParseMillis is stricter than [time.Parse], which accepts 7:5:03,2 as a time of day.
// It is also faster, because it is called for every event.
func ParseMillis[Text string | []byte](s Text) (Millis, error) {
	m, ok := timestamp(s)
	if !ok {
		m, ok = epoch(s)
	}
	switch {
	case !ok:
		return 0, fmt.Errorf("%w: time %.80q is neither RFC 3339, nor 2018-08-28 23:00:05.000, nor milliseconds since 1970", ErrInvalid, s)
	case m < MinMillis || m > MaxMillis:
		return 0, fmt.Errorf("%w: time %.80q lies outside the years 1 to 9999", ErrInvalid, s)
	}
	return m, nil
}

// epoch parses milliseconds since 1970. The result for a number beyond the range of a
// [Millis] is beyond [MaxMillis] too.
func epoch[Text string | []byte](s Text) (Millis, bool) {
	if n, err := strconv.ParseInt(string(s), 10, 64); err == nil {
		return Millis(n), s[0] != '+'
	}
	if len(s) == 0 || strings.Trim(string(s), "0123456789.eE+-") != "" || s[0] == '+' {
		return 0, false // this refuses forms that ParseFloat accepts: hexadecimal, Inf, 1_000
	}
	x, err := strconv.ParseFloat(string(s), 64)
	x = math.Floor(x)
	if math.Abs(x) > float64(MaxMillis) {
		return MaxMillis + 1, true
	}
	return Millis(x), err == nil
}

// timestamp parses a date and time of day.
func timestamp[Text string | []byte](s Text) (Millis, bool) {
	const form = "0000-00-00_00:00:00"
	if len(s) < len(form) || !fits(s, form) {
		return 0, false
	}
	sep := s[10]
	if sep != 'T' && sep != 't' && sep != ' ' {
		return 0, false
	}
	t, ok := date(s)
	if !ok {
		return 0, false
	}
	ms, rest, ok := fraction(s[len(form):])
	if !ok {
		return 0, false
	}
	if len(rest) == 0 {
		return t + ms, sep == ' '
	}
	off, ok := offset(rest)
	return t + ms - off, ok
}

// fits reports whether s begins with form, in which 0 matches any digit and _ any byte.
func fits[Text string | []byte](s Text, form string) bool {
	for i := range len(form) {
		switch c := form[i]; {
		case c == '_':
		case c == '0':
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		case s[i] != c:
			return false
		}
	}
	return true
}

// date parses the date and the whole seconds. It refuses leap seconds, which
// milliseconds since 1970 cannot express.
func date[Text string | []byte](s Text) (Millis, bool) {
	year, month, day := two(s, 0)*100+two(s, 2), two(s, 5), two(s, 8)
	hour, minute, second := two(s, 11), two(s, 14), two(s, 17)
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return MillisOf(t), t.Day() == day // time.Date turns April 31 into May 1
}

// two returns the number in the two digits at s[i].
func two[Text string | []byte](s Text, i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }

// fraction parses the fraction of a second, if there is one, rounded down to
// milliseconds.
func fraction[Text string | []byte](s Text) (ms Millis, rest Text, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	n := 1
	for ; n < len(s) && '0' <= s[n] && s[n] <= '9'; n++ {
		if n <= 3 {
			ms = ms*10 + Millis(s[n]-'0')
		}
	}
	for i := n; i <= 3; i++ {
		ms *= 10
	}
	return ms, s[n:], n > 1
}

// offset parses Z or an offset such as +05:30.
func offset[Text string | []byte](s Text) (Millis, bool) {
	if len(s) == 1 {
		return 0, s[0] == 'Z' || s[0] == 'z'
	}
	const form = "_00:00"
	if len(s) != len(form) || !fits(s, form) || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, minutes := two(s, 1), two(s, 4)
	off := Millis(hours*60+minutes) * 60_000
	if s[0] == '-' {
		off = -off
	}
	return off, hours < 24 && minutes < 60
}
