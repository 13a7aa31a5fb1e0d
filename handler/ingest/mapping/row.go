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

// row is a reading whose members are not yet checked and converted.
type row struct {
	device, sensor any
	ts             any // nil: the time at which the event reached the hub
	value          any
	bad            bool  // the quality says that the value is bad
	note           bool  // a value that is text is ignored, and not an error
	err            error // why the row is refused; nil if it is not
}

// readingOf converts a row. ok is false if the row is to be ignored. Missing says that the
// value is missing or bad.
func (r *Reader) readingOf(x row) (reading fleet.Reading, missing, ok bool, err error) {
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

// nameOf converts v to a valid name.
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

// timeOf converts v to a time.
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

// momentIn returns the time in an object that stands for a time: {"$date": …} of MongoDB, the
// seconds and nanoseconds of protocol buffers, Java and AWS, or a time in a member such as
// utc or iso. The result is a string or number; nil if there is none.
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

// numeral returns a string as a number, and anything else as it is.
func numeral(v any) any {
	if s, ok := v.(string); ok {
		return json.Number(s)
	}
	return v
}

// numberOf converts v to a number. ok is false if v is not meant as one. The error says why
// something meant as a number cannot be stored.
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

// almost returns an error if v is text that looks like a number to people but cannot be read
// as one, such as 21.5 °C. Otherwise it returns nil.
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

// shown describes a value in an error.
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

// badStatus reports whether a quality says that its value is bad, as [badQuality] does. A
// number of OPC UA is bad if its highest bit is set.
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

// fits returns an error if v is nested too deeply or too large. The values that programs make
// may be.
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
