package mapping

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// row is a reading as an event writes it.
type row struct {
	device, sensor any
	ts             any // nil: the moment at which the event reached the hub
	value          any
	bad            bool  // the quality says that the value is bad
	note           bool  // text is no error, but a note beside measurements
	err            error // what is wrong with it
}

// take turns a row into a reading. It reports false where the row is a note.
func (r *Reader) take(x row) (reading fleet.Reading, missing, ok bool, err error) {
	fail := func(member string, err error) (fleet.Reading, bool, bool, error) {
		return reading, false, true, fmt.Errorf("%s: %w", member, err)
	}
	if x.err != nil {
		return reading, false, true, x.err
	}
	var is bool
	if reading.Value, missing, is, err = numberOf(x.value); err != nil || !is {
		if !is {
			err = almost(x.value)
		}
		if x.note && err == nil {
			return reading, false, false, nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %s is no number", fleet.ErrInvalid, shown(x.value))
		}
		return fail("value", err)
	}
	missing = missing || x.bad
	if reading.ID.Device, err = r.nameOf(x.device); err != nil {
		return fail("device", err)
	}
	if reading.ID.Sensor, err = r.nameOf(x.sensor); err != nil {
		return fail("sensor", err)
	}
	if reading.Time, err = r.timeOf(x.ts); err != nil {
		return fail("ts", err)
	}
	if !missing && reading.Time > r.latest {
		return reading, false, true, r.ahead(reading.Time)
	}
	return reading, missing, true, nil
}

// nameOf returns the name that v is.
func (r *Reader) nameOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", fmt.Errorf("%w: it is missing", fleet.ErrInvalid)
	case string:
		return r.name(value{'"', []byte(v)})
	case json.Number:
		return r.name(value{'0', []byte(v)})
	case int:
		return r.name(value{'0', strconv.AppendInt(nil, int64(v), 10)})
	case float64:
		return r.name(value{'0', strconv.AppendFloat(nil, v, 'f', -1, 64)})
	}
	return "", fmt.Errorf("%w: %s is no name: a string or number is wanted", fleet.ErrInvalid, shown(v))
}

// timeOf returns the moment that v is.
func (r *Reader) timeOf(v any) (fleet.Millis, error) {
	switch v := v.(type) {
	case nil:
		if r.event.Enqueued.IsZero() {
			return 0, fmt.Errorf("%w: it is missing, and so is the moment at which the event reached the hub", fleet.ErrInvalid)
		}
		return fleet.MillisOf(r.event.Enqueued), nil
	case string:
		return timestamp.Parse(v, r.opt.Format)
	case json.Number:
		return timestamp.Parse(string(v), r.opt.Format)
	case int:
		return timestamp.Parse(strconv.Itoa(v), r.opt.Format)
	case float64:
		return timestamp.Parse(strconv.FormatFloat(v, 'f', -1, 64), r.opt.Format)
	}
	if o, ok := objectOf(v); ok {
		if inner := momentIn(o); inner != nil {
			return r.timeOf(inner)
		}
	}
	return 0, fmt.Errorf("%w: %s is no time", fleet.ErrInvalid, shown(v))
}

// momentIn returns the moment in an object that is one: {"$date": …} of MongoDB, the
// seconds and nanoseconds of protocol buffers, Java and AWS, or a moment beside its
// notation or type. It is no object, or nil if there is none.
func momentIn(o *members) any {
	if date, ok := o.get("$date"); ok {
		if long, is := objectOf(date); is {
			date, _ = long.get("$numberLong")
		}
		if isScalar(date) {
			return date
		}
		return nil
	}
	seconds := first(o, "timeInSeconds", o, "epochSecond", o, "seconds")
	nanos := first(o, "offsetInNanos", o, "nano", o, "nanos")
	if seconds != nil && nanos != nil {
		s, err := rational(numeral(seconds))
		n, err2 := rational(numeral(nanos))
		if err != nil || err2 != nil {
			return nil
		}
		return json.Number(s.Add(s, n.Mul(n, big.NewRat(1, 1e9))).FloatString(9))
	}
	if v := first(o, "utc", o, "iso", o, "timestamp", o, "time", o, "value"); isScalar(v) {
		return cmp.Or(v, seconds)
	}
	return seconds
}

// numeral takes a string for the number in it.
func numeral(v any) any {
	if s, ok := v.(string); ok {
		return json.Number(s)
	}
	return v
}

// numberOf returns the number that v is. ok is false if it is none, with an
// error if it was to be one.
func numberOf(v any) (x float64, missing, ok bool, err error) {
	switch v := v.(type) {
	case nil:
		return 0, true, true, nil
	case bool:
		if v {
			x = 1
		}
		return x, false, true, nil
	case int:
		return float64(v), false, true, nil
	case float64:
		return v, v-v != 0, true, nil
	case *big.Int:
		x, _ = new(big.Float).SetInt(v).Float64()
		if math.IsInf(x, 0) {
			return 0, false, true, fmt.Errorf("%w: a number of %d bits lies outside the range of a float64", fleet.ErrInvalid, v.BitLen())
		}
		return x, false, true, nil
	case json.Number:
		x, missing, err = parseValue(value{'0', []byte(v)})
		return x, missing, true, err
	case string:
		s := strings.TrimSpace(v)
		switch {
		case notation.Missing(s):
			return 0, true, true, nil
		case isNumber(s):
			x, missing, err = parseValue(value{'"', []byte(s)})
			return x, missing, true, err
		case strings.EqualFold(s, "true"):
			return 1, false, true, nil
		case strings.EqualFold(s, "false"):
			return 0, false, true, nil
		}
	}
	return 0, false, false, nil
}

// almost says why text is no number that people would take for one; nil if none would.
func almost(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	err := notation.Almost(s)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, notation.ErrDecimalComma):
		return fmt.Errorf("%w: the string %.40q: %w: a mapping reads it with decimal_comma", fleet.ErrInvalid, s, err)
	}
	return fmt.Errorf("%w: the string %.40q: %w: a mapping must take it off", fleet.ErrInvalid, s, err)
}

// shown writes a value for an error.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case *members, map[string]any:
		return "an object"
	case []any:
		return "a list"
	case json.Number:
		return fmt.Sprintf("%.40s", string(v))
	case string:
		return fmt.Sprintf("the string %.40q", v)
	}
	return fmt.Sprintf("%.40v", v)
}

// badStatus reports whether the quality v says that its value is bad: see
// [badQuality].
func badStatus(v any) bool {
	switch v := v.(type) {
	case bool:
		return !v
	case string:
		return badQuality(value{'"', []byte(v)})
	case json.Number:
		return badQuality(value{'0', []byte(v)})
	case int:
		return v >= 1<<31
	case float64:
		return v >= 1<<31
	}
	// OPC UA writes {"Code":…,"Symbol":…}.
	if o, ok := objectOf(v); ok {
		for i, key := range o.keys {
			if k := strings.ToLower(key); k == "code" || k == "symbol" {
				if badStatus(o.values[i]) {
					return true
				}
			}
		}
	}
	return false
}

func (x row) String() string {
	return fmt.Sprintf("%v/%v@%v=%v", x.device, x.sensor, x.ts, x.value)
}

// fits reports, as an error, that v is nested deeper or larger than what an event
// may hold. What a program makes may be.
func fits(v any) error {
	nodes := maxNodes
	return fitsIn(v, maxDepth, &nodes)
}

func fitsIn(v any, depth int, nodes *int) error {
	if depth == 0 {
		return fmt.Errorf("%w: it is nested deeper than %d", fleet.ErrInvalid, maxDepth)
	}
	if *nodes--; *nodes < 0 {
		return fmt.Errorf("%w: %w", fleet.ErrInvalid, errLarge)
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := fitsIn(e, depth-1, nodes); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := fitsIn(e, depth-1, nodes); err != nil {
				return err
			}
		}
	}
	return nil
}
