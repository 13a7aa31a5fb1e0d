// Package ncrontab parses the schedule expressions of Azure Functions, and computes when they
// fire.
//
// The language is that of NCrontab 3.3.3, which the Functions host uses. It differs from cron.
// An expression has six fields:
//
//	{second} {minute} {hour} {day of month} {month} {day of week}
//
// If there are five, the second is 0. A field is a list, separated by commas, of
//
//   - every value        */n    every n-th from the least
//     a      one value          a/n    every n-th from a to the greatest
//     a-b    a to b             a-b/n  every n-th of them
//
// A range may be written backwards: 5-1 is 1-5. A step of 0 counts as 1. Months and days of the
// week have English names, which may be abbreviated to any length. An ambiguous abbreviation
// means the first name: J is January, M is March or Monday. Sunday is 0, and 7 is an error. A
// day must match both the day of the month and the day of the week. The signs ?, L, W and #,
// and words such as @hourly, are not supported.
//
// Times are in UTC, or in the local time of a zone; see [Schedule.In].
package ncrontab

import (
	"fmt"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Schedule is a parsed expression. The zero value never fires.
type Schedule struct {
	text   string
	fields [6]set         // in the order of specs
	zone   *time.Location // nil for UTC
}

// Parse parses an expression. An error wraps [fleet.ErrInvalid], and names the wrong field and
// its possible values. An expression that never fires is an error, for instance one for the
// 30th of February.
//
// On some plans the host also accepts a TimeSpan such as 00:05:00. Parse does not, since such a
// schedule does not define times.
func Parse(expr string) (Schedule, error) {
	words := strings.Fields(expr)
	switch len(words) {
	case 5:
		words = append([]string{"0"}, words...)
	case 6:
	default:
		return Schedule{}, fmt.Errorf("%w: schedule %.80q has %d fields; write six, as in \"0 */5 * * * *\" (second minute hour day month weekday)%s",
			fleet.ErrInvalid, expr, len(words), hint(expr))
	}
	s := Schedule{text: strings.Join(strings.Fields(expr), " ")}
	for i, word := range words {
		var err error
		if s.fields[i], err = specs[i].parse(word); err != nil {
			return Schedule{}, fmt.Errorf("%w: schedule %.80q: %s %.40q: %v", fleet.ErrInvalid, expr, specs[i].name, word, err)
		}
	}
	if year, _, _ := s.nextDay(1, time.January, 1); year == 0 {
		return Schedule{}, fmt.Errorf("%w: schedule %.80q never fires: none of its months has such a day", fleet.ErrInvalid, expr)
	}
	return s, nil
}

// hint returns a hint for expressions in the form of other languages.
func hint(expr string) string {
	switch {
	case strings.HasPrefix(strings.TrimSpace(expr), "@"):
		return "; @hourly and the like are not supported"
	case strings.Count(expr, ":") >= 2:
		return "; a TimeSpan is not supported"
	}
	return ""
}

// String returns the expression as it was given, with single spaces.
func (s Schedule) String() string { return s.text }

// years is the period of the Gregorian calendar. A date that does not occur in that many years
// never occurs.
const years = 400

// lastYear is the last year that RFC 3339 can write.
const lastYear = 9999

// Next returns the first time after t at which s fires. It is in UTC and in whole seconds. Next
// returns the zero time if there is none before the year 10000.
func (s Schedule) Next(t time.Time) time.Time {
	if s.zone == nil {
		return s.next(t.UTC())
	}
	wall := s.next(latest(s.zone, t))
	if wall.IsZero() {
		return wall
	}
	return reached(s.zone, wall)
}

// next is Next in UTC.
func (s Schedule) next(t time.Time) time.Time {
	t = t.Truncate(time.Second).Add(time.Second)
	year, month, day := t.Date()
	if year > lastYear {
		return time.Time{}
	}
	h, m, sec, ok := s.clock(t.Clock())
	if !ok || !s.matchesDay(year, month, day) {
		if year, month, day = s.nextDay(year, month, day+1); year == 0 {
			return time.Time{}
		}
		h, m, sec, ok = s.clock(0, 0, 0)
	}
	if !ok {
		return time.Time{}
	}
	return time.Date(year, month, day, h, m, sec, 0, time.UTC)
}

// clock returns the first time of day at or after h:m:sec at which s fires, or false if there is
// none on that day.
func (s Schedule) clock(h, m, sec int) (int, int, int, bool) {
	hour, minute, second := s.fields[hours], s.fields[minutes], s.fields[seconds]
	if hour == 0 || minute == 0 || second == 0 {
		return 0, 0, 0, false
	}
	if hour.has(h) {
		if minute.has(m) {
			if sec, ok := second.from(sec); ok {
				return h, m, sec, true
			}
		}
		if m, ok := minute.from(m + 1); ok {
			return h, m, second.first(), true
		}
	}
	h, ok := hour.from(h + 1)
	return h, minute.first(), second.first(), ok
}

// nextDay returns the first day at or after the given one on which s fires, or year 0 if there
// is none. The given day may be the one after the end of the month.
func (s Schedule) nextDay(year int, month time.Month, day int) (int, time.Month, int) {
	for end := min(year+years, lastYear); year <= end; year++ {
		for ; month <= time.December; month++ {
			if s.fields[months].has(int(month)) {
				last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
				for ; day <= last; day++ {
					if s.matchesDay(year, month, day) {
						return year, month, day
					}
				}
			}
			day = 1
		}
		month = time.January
	}
	return 0, 0, 0
}

func (s Schedule) matchesDay(year int, month time.Month, day int) bool {
	return s.fields[months].has(int(month)) && s.fields[days].has(day) &&
		s.fields[weekdays].has(int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()))
}

// Last returns the last time at or before t at which s fires, or the zero time if there is none.
//
// It uses Next: s fires in (u, t] exactly if Next(u) is not after t. It finds the latest such u
// by doubling the distance from t, and then halving. That is the second before the last time.
func (s Schedule) Last(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Second)
	fires := func(ago int64) bool {
		next := s.Next(time.Unix(t.Unix()-ago, 0))
		return !next.IsZero() && !next.After(t)
	}
	far := int64(1)
	for ; !fires(far); far *= 2 {
		if far > (years+1)*366*24*60*60 {
			return time.Time{}
		}
	}
	near := far / 2 // no fire in (t-near, t], one in (t-far, t]
	for far-near > 1 {
		if middle := near + (far-near)/2; fires(middle) {
			far = middle
		} else {
			near = middle
		}
	}
	return s.Next(time.Unix(t.Unix()-far, 0))
}
