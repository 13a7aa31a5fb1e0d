// Package timestamp reads the ways in which devices, historians and people
// write a moment: numbers since 1970, ISO 8601 with what they leave out of it,
// .NET's and the web's dates, and, where it is said how they are meant, dates
// that begin with the day or the month.
package timestamp

import (
	"fmt"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Order says how the day and the month stand in a date such as 03/04/2026.
type Order string

// The orders. Unsaid refuses such dates.
const (
	Unsaid     Order = ""
	DayFirst   Order = "dmy"
	MonthFirst Order = "mdy"
)

// Format is what a text alone does not say.
type Format struct {
	Zone  *time.Location // of times that name no zone; nil: UTC
	Order Order          // of dates with slashes, and with points too if it is not [Unsaid]
	// Points reads dates with points, 27.11.2026, with the day first, even
	// where Order is Unsaid.
	Points bool
}

// Parse reads a moment and cuts it to milliseconds, downwards. It takes
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
// Where clocks go back, a time without a zone that comes twice is taken as the
// first of the two; where they go forward, one that is skipped is read as if
// they had not. The error wraps [fleet.ErrInvalid].
func Parse[Text string | []byte](s Text, f Format) (fleet.Millis, error) {
	if f.Zone == nil || f.Zone == time.UTC {
		if len(s) >= 19 && s[4] == '-' { // the ways most are written, and the fastest to read
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

// calendar reads what is not a number.
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
		// Parse takes an abbreviation it does not know for UTC: only those that
		// mean UTC are let through.
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
	return 0, fmt.Errorf("%w: time %.80q is written in no way that is known: use 2026-11-27T07:00:00Z, or seconds or milliseconds since 1970", fleet.ErrInvalid, text)
}

// layouts are those that no other time is mistaken for.
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

// ordered reads a date whose day and month stand as f says: with slashes,
// points or dashes, then, if any, a time of day with or without AM and PM.
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
		return 0, false, fmt.Errorf("%w: time %.80q: does the day or the month come first? say so (dmy or mdy)", fleet.ErrInvalid, text)
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
	// With a zone after it.
	for _, layout := range []string{"15:04:05Z07:00", "15:04:05 Z07:00", "15:04:05 -0700"} {
		if t, err := time.Parse("2 1 2006 "+layout, day+" "+month+" "+year+" "+clock); err == nil {
			return fleet.MillisOf(t), true, nil
		}
	}
	return 0, false, fmt.Errorf("%w: time %.80q is no date and time of day in the order %s", fleet.ErrInvalid, text, order)
}
