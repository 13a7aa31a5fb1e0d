// Package timestamp reads times in the formats of devices, historians and people: numbers
// since 1970, ISO 8601 and its variations, dates of .NET and of HTTP, and, if their order is
// given, dates that begin with the day or the month.
package timestamp

import (
	"fmt"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Order is the order of day and month in a date such as 03/04/2026.
type Order string

// The orders. With Unsaid, such dates are refused.
const (
	Unsaid     Order = ""
	DayFirst   Order = "dmy"
	MonthFirst Order = "mdy"
)

// Format says how to read a text that is ambiguous.
type Format struct {
	Zone  *time.Location // of times without a zone; nil: UTC
	Order Order          // of dates with slashes or points
	// Points says that a date with points, 27.11.2026, begins with the day if Order is
	// [Unsaid].
	Points bool
}

// Parse reads a time and rounds it down to milliseconds. It reads
//
//   - a number since 1970, whole or decimal, in seconds, milli-, micro- or
//     nanoseconds by its magnitude: see [Units];
//   - 2026-11-27T07:00:00Z: a blank for the T, no seconds, no time of day, any
//     fraction with a point or comma, an offset (+02, +0200, +02:00, UTC) or none,
//     slashes in place of the dashes, or neither (20261127T070000Z);
//   - /Date(1795762800000+0200)/, whose offset does not shift it;
//   - Fri, 27 Nov 2026 07:00:00 GMT, as RFC 1123 and HTTP write it, with UTC or
//     an offset too; Fri Nov 27 07:00:00 2026; 27-Nov-2026 07:00:00 and 27-Nov-26 07:00:00;
//   - 27.11.2026 07:00 and 11/27/2026 7:00:00 AM, as Format says.
//
// When clocks go back, a local time occurs twice, and Parse returns the first. When they go
// forward, a local time is skipped, and Parse reads it with the offset from before the
// change. The error wraps [fleet.ErrInvalid].
func Parse[Text string | []byte](s Text, f Format) (fleet.Millis, error) {
	if f.Zone == nil || f.Zone == time.UTC {
		if len(s) >= 19 && s[4] == '-' { // the most frequent format has a faster function
			if m, err := fleet.ParseMillis(s); err == nil {
				return m, nil
			}
		}
	}
	text := strings.TrimSpace(string(s))
	m, known, err := number(text)
	if !known {
		m, err = f.calendar(text)
	}
	switch {
	case err != nil:
		return 0, err
	case m < fleet.MinMillis || m > fleet.MaxMillis:
		return 0, fmt.Errorf("%w: time %.80q lies outside the years 1 to 9999", fleet.ErrInvalid, text)
	}
	return m, nil
}

// calendar reads a time that is not a number.
func (f Format) calendar(text string) (fleet.Millis, error) {
	if m, ok := dotnet(text); ok {
		return m, nil
	}
	if m, ok := f.iso(text); ok {
		return m, nil
	}
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range layouts {
		// time.Parse reads an unknown abbreviation of a zone as UTC, so only those that
		// mean UTC are accepted.
		if t, err := time.Parse(layout, text); err == nil && utcOrNone(layout, text) {
			if !zoned(layout) {
				t = In(zone, t)
			}
			return fleet.MillisOf(t), nil
		}
	}
	m, ok, err := f.ordered(text, zone)
	if ok || err != nil {
		return m, err
	}
	return 0, fmt.Errorf("%w: time %.80q is in no known format: use 2026-11-27T07:00:00Z, or seconds or milliseconds since 1970", fleet.ErrInvalid, text)
}

// layouts are formats that are not ambiguous.
var layouts = []string{
	time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST",
	time.RFC850, time.ANSIC, time.UnixDate, time.RubyDate, "Mon Jan _2 15:04:05 2006 -0700",
	"2-Jan-2006 15:04:05", "2-Jan-2006 15:04", "2-Jan-2006", "2-Jan-06 15:04:05", "2-Jan-06 15:04", "2-Jan-06", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006",
	"Jan 2, 2006 15:04:05", "Jan 2, 2006 3:04:05 PM", "Jan 2, 2006",
}

// zoned reports whether a layout names a zone.
func zoned(layout string) bool {
	return strings.Contains(layout, "MST") || strings.Contains(layout, "-0700")
}

// utcOrNone reports whether a text, which is in the layout, has no abbreviation of a zone, or
// one that means UTC.
func utcOrNone(layout, text string) bool {
	if !strings.Contains(layout, "MST") {
		return true
	}
	for _, utc := range []string{"GMT", "UTC", "Z"} {
		if strings.Contains(text, " "+utc) {
			return true
		}
	}
	return false
}

// ordered reads a date with slashes, points or dashes, whose day and month are in the order of
// f. A time of day may follow, with or without AM and PM. ok is false if text is no such date.
func (f Format) ordered(text string, zone *time.Location) (fleet.Millis, bool, error) {
	date, clock, _ := strings.Cut(text, " ")
	order, separator := f.Order, ""
	for _, s := range []string{".", "/", "-"} {
		if strings.Count(date, s) == 2 {
			separator = s
		}
	}
	if separator == "" {
		return 0, false, nil
	}
	day, month, year := "", "", ""
	parts := strings.Split(date, separator)
	if len(parts[0]) > 2 || len(parts[2]) != 4 {
		return 0, false, nil
	}
	if order == Unsaid && separator == "." && f.Points {
		order = DayFirst
	}
	switch order {
	case DayFirst:
		day, month, year = parts[0], parts[1], parts[2]
	case MonthFirst:
		month, day, year = parts[0], parts[1], parts[2]
	default:
		return 0, false, fmt.Errorf("%w: time %.80q: does the day or the month come first? say so with --date-order, in events with INGEST_DATE_ORDER: dmy or mdy", fleet.ErrInvalid, text)
	}
	clock = strings.ToUpper(strings.TrimSpace(clock))
	if clock == "" {
		clock = "0:00"
	}
	for _, layout := range []string{"15:4:5", "15:4", "3:4:5 PM", "3:4 PM", "3:4:5PM", "3:4PM"} {
		t, err := time.Parse("2 1 2006 "+layout, day+" "+month+" "+year+" "+strings.Replace(clock, ",", ".", 1))
		if err == nil {
			return fleet.MillisOf(In(zone, t)), true, nil
		}
	}
	// With an offset.
	for _, layout := range []string{"15:04:05Z07:00", "15:04:05 Z07:00", "15:04:05 -0700"} {
		if t, err := time.Parse("2 1 2006 "+layout, day+" "+month+" "+year+" "+clock); err == nil {
			return fleet.MillisOf(t), true, nil
		}
	}
	return 0, false, fmt.Errorf("%w: time %.80q is no date and time of day in the order %s", fleet.ErrInvalid, text, order)
}
