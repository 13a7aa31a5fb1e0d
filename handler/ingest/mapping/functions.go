package mapping

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/itchyny/gojq"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// prelude returns the definitions of the functions that are written in jq.
func prelude() *gojq.Query {
	q, err := gojq.Parse(`
def local($zone): _local($zone; "");
def local($zone; $order): _local($zone; $order);
def date($order): _local("UTC"; $order);
def without(a): delpaths([path(a)]);
.`)
	if err != nil {
		panic(err)
	}
	return q
}

// Functions returns the functions that programs may call besides those of jq: names and a
// description, for the documentation.
func Functions() [][2]string {
	all := [][2]string{
		{"seconds, millis, micros, nanos", "the moment that is this number of units after 1970-01-01 UTC"},
		{"dotnet_date", `the moment in "/Date(1795762800000)/"`},
		{`local("Europe/Berlin")`, "the moment of a local time in a zone; a second argument, \"dmy\" or \"mdy\", says the order of day and month"},
		{`date("dmy")`, "the moment of a time in UTC whose date begins with the day, or with \"mdy\" with the month"},
		{"decimal_comma", `the number in "1.234,5"`},
		{"as_name", "the text as a device or sensor may be named: without control characters, and without = + - @ at its beginning"},
		{"flat", "the object without nested objects: the member machine.temperature in place of temperature in machine"},
		{"measurements", "the members that measure something: flat, without device, time, identifiers, counters and text"},
		{"without(.a, .b)", "the object without these members"},
	}
	for _, b := range builtins {
		all = append(all, [2]string{b.name, "the readings that the mapping of this name yields"})
	}
	return all
}

// functions returns those of [Functions] that are written in Go. Underscores replace the
// hyphens in the names of mappings.
func (m *machine) functions() []gojq.CompilerOption {
	options := m.guards()
	one := func(name string, f func(any) (any, error)) {
		options = append(options, gojq.WithFunction(name, 0, 0, func(v any, _ []any) any {
			if err := fits(v); err != nil {
				return err
			}
			result, err := f(v)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return result
		}))
	}
	for i, u := range []string{"seconds", "millis", "micros", "nanos"} {
		one(u, func(v any) (any, error) { return since1970(v, timestamp.Units[i].PerMilli) })
	}
	one("dotnet_date", dotnetDate)
	one("decimal_comma", decimalComma)
	one("as_name", asName)
	one("flat", func(v any) (any, error) { return flat(v) })
	one("measurements", m.measurements)
	options = append(options, gojq.WithFunction("_local", 2, 2, func(v any, x []any) any {
		moment, err := local(v, x[0], x[1])
		if err != nil {
			return err
		}
		return moment
	}))
	for _, b := range builtins {
		options = append(options, gojq.WithIterFunction(strings.ReplaceAll(b.name, "-", "_"), 0, 0, func(v any, _ []any) gojq.Iter { return m.shape(b.shape, v) }))
	}
	options = append(options, gojq.WithIterFunction(Auto, 0, 0, func(v any, _ []any) gojq.Iter { return m.shape(auto, v) }))
	return options
}

// shape returns the readings that a built-in mapping finds in v, as objects with device,
// sensor, ts and value, or refused.
func (m *machine) shape(f shape, v any) gojq.Iter {
	if err := fits(v); err != nil {
		return gojq.NewIter[any](err)
	}
	g := &gatherer{Reader: m.g.Reader}
	f(g, v)
	var all []any
	for _, x := range g.rows {
		if x.err != nil {
			all = append(all, map[string]any{"refused": strings.TrimPrefix(x.err.Error(), fleet.ErrInvalid.Error()+": ")})
			continue
		}
		if _, _, is, _ := numberOf(x.value); x.note && !is {
			continue
		}
		if x.bad {
			x.value = nil
		}
		if x.ts == nil && !g.event.Enqueued.IsZero() {
			x.ts = fleet.MillisOf(g.event.Enqueued).String()
		}
		all = append(all, map[string]any{"device": x.device, "sensor": x.sensor, "ts": x.ts, "value": x.value})
	}
	return gojq.NewIter(all...)
}

// measurements returns the members of an object that are measurements, flat.
func (m *machine) measurements(v any) (any, error) {
	o, ok := objectOf(v)
	if !ok {
		return nil, fmt.Errorf("%s is no object", shown(v))
	}
	g := &gatherer{Reader: m.g.Reader}
	g.members(o, scope{}, "", g.pick(o, deviceKind, isDevice))
	values := make(map[string]any, len(g.rows))
	for _, x := range g.rows {
		if _, _, is, _ := numberOf(x.value); x.err == nil && is && !x.bad {
			values[shownName(x.sensor)] = x.value
		}
	}
	return values, nil
}

// since1970 returns the moment v units after 1970-01-01 UTC, as text. A millisecond has
// perMilli units; 0.001 stands for seconds.
func since1970(v any, perMilli float64) (any, error) {
	if s, ok := v.(string); ok {
		v = json.Number(strings.TrimSpace(s))
	}
	if b, ok := v.(*big.Int); ok {
		v = json.Number(b.String())
	}
	r, err := rational(v)
	if err != nil || v == nil {
		return nil, fmt.Errorf("%s is no number", shown(v))
	}
	unit := new(big.Rat).SetFloat64(perMilli)
	if perMilli < 1 {
		unit = big.NewRat(1, 1000)
	}
	r.Quo(r, unit)
	millis := new(big.Int).Div(r.Num(), r.Denom())
	if m := fleet.Millis(millis.Int64()); millis.IsInt64() && m >= fleet.MinMillis && m <= fleet.MaxMillis {
		return m.String(), nil
	}
	return nil, fmt.Errorf("%s lies outside the years 1 to 9999", shown(v))
}

func dotnetDate(v any) (any, error) {
	s, ok := v.(string)
	if !ok || !strings.Contains(s, "Date(") {
		return nil, fmt.Errorf("%s is not like /Date(1795762800000)/", shown(v))
	}
	m, err := timestamp.Parse(s, timestamp.Format{})
	return m.String(), err
}

// local returns the moment of the local time v in a zone. Order is dmy, mdy or empty.
func local(v, zone, order any) (any, error) {
	name, _ := zone.(string)
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("local: %s is no time zone: name one of the IANA database, such as Europe/Berlin", shown(zone))
	}
	o := timestamp.Order(shownName(order))
	if o != timestamp.Unsaid && o != timestamp.DayFirst && o != timestamp.MonthFirst {
		return nil, fmt.Errorf("date order %s: use dmy or mdy", shown(order))
	}
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s is no text that holds a time", shown(v))
	}
	m, err := timestamp.Parse(s, timestamp.Format{Zone: z, Order: o})
	return m.String(), err
}

// decimalComma reads a number with a decimal comma. Points, blanks and apostrophes may
// separate the thousands.
func decimalComma(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		if _, _, is, err := numberOf(v); is && err == nil { // a number already
			return v, nil
		}
		return nil, fmt.Errorf("%s is no number with a decimal comma", shown(v))
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == '.' || r == '\'' || unicode.IsSpace(r):
			return -1
		case r == ',':
			return '.'
		}
		return r
	}, s)
	if plain == "" || number(strings.TrimPrefix(plain, "+")) != len(strings.TrimPrefix(plain, "+")) {
		return nil, fmt.Errorf("%s is no number with a decimal comma", shown(v))
	}
	return strconv.ParseFloat(plain, 64)
}

// asName makes a valid name of a text or number.
func asName(v any) (any, error) {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case json.Number:
		s = string(v)
	case int:
		s = strconv.Itoa(v)
	default:
		return nil, fmt.Errorf("%s is no text", shown(v))
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("=+-@", r) }))
	if runes := []rune(s); len(runes) > fleet.MaxName {
		s = strings.TrimSpace(string(runes[:fleet.MaxName]))
	}
	if err := fleet.ValidName(s); err != nil {
		return nil, err
	}
	return s, nil
}

// flat returns an object without nested objects. The name of a nested member is the names
// of its parents and its own, joined with points.
func flat(v any) (any, error) {
	o, ok := objectOf(v)
	if !ok {
		return nil, fmt.Errorf("%s is no object", shown(v))
	}
	all := map[string]any{}
	var add func(*members, string)
	add = func(o *members, prefix string) {
		for i, key := range o.keys {
			if inner, ok := objectOf(o.values[i]); ok {
				add(inner, prefix+key+".")
			} else {
				all[prefix+key] = o.values[i]
			}
		}
	}
	add(o, "")
	return all, nil
}
