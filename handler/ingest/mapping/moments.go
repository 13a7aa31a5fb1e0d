package mapping

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/fleetscore/fleetscore/handler/notation"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// Names of members for a date and for a time of day, as [notation.Plain] writes them.
var (
	dateNames  = []string{"date", "datum", "fecha"}
	clockNames = []string{"time", "timeofday", "uhrzeit", "zeit", "hora", "heure"}
)

// when returns the time in the members of o, nil if there is none.
func (g *gatherer) when(o *members) any {
	at := g.pick(o, timeKind, isTime)
	if at < 0 {
		// t may also be a temperature.
		if at = index(o, "t"); at < 0 || !isMoment("t", o.values[at]) {
			return nil
		}
	}
	date, clock := textNamed(o, dateNames), textNamed(o, clockNames)
	if date != "" && isClock(clock) && !strings.Contains(date, ":") {
		return date + " " + clock
	}
	if s, _ := o.values[at].(string); isClock(s) { // without a day: another member may have the whole time
		if other := g.pick(o, timeKind, func(v any) bool { s, _ := v.(string); return isTime(v) && !isClock(s) }); other >= 0 {
			at = other
		}
	}
	return o.values[at]
}

// textNamed returns the first string whose member has one of the names, else "".
func textNamed(o *members, names []string) string {
	for i, key := range o.keys {
		if s, ok := o.values[i].(string); ok && slices.Contains(names, notation.Plain(key)) {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

// isClock reports whether s is a time of day: 07:00, 7:00:00.5 or 7:00 AM.
func isClock(s string) bool {
	hour, rest, ok := strings.Cut(s, ":")
	if !ok || len(hour) == 0 || len(hour) > 2 || digits([]byte(hour)) != len(hour) {
		return false
	}
	rest = strings.TrimRight(strings.ToUpper(rest), " AMP")
	return strings.Trim(rest, "0123456789:.,") == ""
}

// sinceYear2001 is the least number of seconds since 1970 that is taken for a time if its
// member's name does not say so: 2001-09-09.
const sinceYear2001 = 1e9

// isMoment reports whether a member is a time. It is one if its name ends with ts, timestamp
// or at, as lastSeenAt does. The member t is one if it is text that is a time, or a number
// that is large enough.
func isMoment(key string, v any) bool {
	if key == "t" {
		switch v := v.(type) {
		case json.Number:
			x, err := v.Float64()
			_, bad := timestamp.Number(x)
			return err == nil && bad == nil && x >= sinceYear2001
		case string:
			_, err := timestamp.Parse(v, timestamp.Format{})
			return err == nil && number(v) != len(v)
		}
		return false
	}
	switch strings.ToLower(lastWord(key)) {
	case "ts", "timestamp", "at":
		return len(key) > 2
	}
	return false
}

// isIdentifier reports whether the name of a member says that it measures nothing: alarmId,
// $version.
func isIdentifier(key string) bool {
	return strings.HasPrefix(key, "$") || strings.EqualFold(lastWord(key), "id")
}

// lastWord returns the last word of a name. A word begins after a separator, or with a capital
// that follows a small letter.
func lastWord(key string) string {
	from, before := 0, ' '
	for i, r := range key {
		switch {
		case r == '_' || r == '-' || r == '.' || r == ' ':
			from = i + 1
		case unicode.IsUpper(r) && unicode.IsLower(before):
			from = i
		}
		before = r
	}
	return key[from:]
}

// relativeNames are names of times that count from another time, as [notation.Plain] writes
// them.
var relativeNames = strings.Fields("dt deltat deltatime deltams deltaseconds tdelta timedelta timeoffset toffset offsetms offsetseconds relativetime reltime")

// relative refuses an object whose time counts from another time, or stands in parts. It
// reports whether it did.
func (g *gatherer) relative(o *members) bool {
	for i, key := range o.keys {
		if _, number := o.values[i].(json.Number); number && slices.Contains(relativeNames, notation.Plain(key)) {
			g.refuse("%.80q counts from another time: a mapping must add the two", key)
			return true
		}
	}
	if o.has("year", "month", "day") && g.when(o) == nil {
		g.refuse("its time stands in parts, year, month and day: a mapping must put it together")
		return true
	}
	return false
}

// columns gathers the readings in members that are lists of equal length, one of them with
// the times: {"ts": […], "temp": […]}. It returns the indices of these members. ok is false
// if it has refused o.
func (g *gatherer) columns(o *members, in scope, prefix string) (read map[int]bool, ok bool) {
	at := g.pick(o, timeKind, func(v any) bool { return isColumn(v) })
	if at < 0 {
		return nil, true
	}
	times := o.values[at].([]any)
	read = map[int]bool{at: true}
	for i, key := range o.keys {
		list, is := o.values[i].([]any)
		if !is || i == at || !isColumn(list) {
			continue
		}
		if len(list) != len(times) {
			g.refuse("%.80q has %d elements, and %.80q has %d: each value needs its time", key, len(list), o.keys[at], len(times))
			return nil, false
		}
		var sensor any = prefix + key
		if _, value := g.role(key, valueKind); value {
			sensor = in.sensor
		}
		for j, v := range list {
			g.row(row{device: in.device, sensor: sensor, ts: times[j], value: v, bad: in.bad, note: true})
		}
		read[i] = true
	}
	if len(read) == 1 {
		g.refuse("%.80q is a list: a time is wanted, or as many values as times", o.keys[at])
		return nil, false
	}
	return read, true
}

// isColumn reports whether v is a list, not empty, without lists and objects in it.
func isColumn(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !isScalar(v) })
}
