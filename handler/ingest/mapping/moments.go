package mapping

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/fleetscore/fleetscore/handler/notation"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// Names of members that have a date and a time of day apart, as [notation.Plain] writes them.
var (
	dateNames  = []string{"date", "datum", "fecha"}
	clockNames = []string{"time", "timeofday", "uhrzeit", "zeit", "hora", "heure"}
)

// when returns the time that o names, nil if it names none.
func (g *gatherer) when(o *members) any {
	at := g.pick(o, timeKind, isTime)
	if at < 0 {
		// t may be a temperature, too.
		if at = index(o, "t"); at < 0 || !isMoment("t", o.values[at]) {
			return nil
		}
	}
	date, clock := textNamed(o, dateNames), textNamed(o, clockNames)
	if date != "" && isClock(clock) && !strings.Contains(date, ":") {
		return date + " " + clock
	}
	if s, _ := o.values[at].(string); isClock(s) { // of no day: another may say more
		if other := g.pick(o, timeKind, func(v any) bool { s, _ := v.(string); return isTime(v) && !isClock(s) }); other >= 0 {
			at = other
		}
	}
	return o.values[at]
}

// textNamed returns the text of the first member that has one of the names.
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

// sinceYear2001 is the least number that is taken for a moment by itself.
const sinceYear2001 = 1e9

// isMoment reports whether a member is a moment by its name and value: minute_ts,
// lastSeenAt, bootTimestamp; or t, if it is a number since 1970 or text that is a time.
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

// says reports whether a member measures nothing by its name: alarmId, $version.
func says(key string) bool {
	return strings.HasPrefix(key, "$") || strings.EqualFold(lastWord(key), "id")
}

// lastWord returns the last word of a name: after a separator, or from a capital that
// follows a small letter.
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

// relativeNames are names of times that count from another one.
var relativeNames = strings.Fields("dt deltat deltatime deltams deltaseconds tdelta timedelta timeoffset toffset offsetms offsetseconds relativetime reltime")

// relative refuses an object that says when it was measured from another time, or in parts.
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

// columns gathers lists of equal length, one of them of times: {"ts": […], "temp": […]}.
// It returns which members it has read. With false it has refused o.
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

// isColumn reports whether v is a list of single values.
func isColumn(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !isScalar(v) })
}
