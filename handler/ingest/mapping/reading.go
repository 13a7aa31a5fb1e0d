package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// The members of a reading.
const (
	deviceField = iota
	sensorField
	timeField
	valueField
	fields       // how many members a reading must have
	qualityField = fields
)

var fieldNames = [fields]string{"device", "sensor", "ts", "value"}

// plainReading is a reading of the mapping [Plain].
type plainReading struct {
	fleet.Reading
	missing bool // the value or quality says that there is no value
}

// field returns the member that a key names, or -1. Case does not matter.
func field(key []byte) int {
	var lower [10]byte // the longest is statuscode
	if len(key) > len(lower) {
		return -1
	}
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(key)]) {
	case "device", "deviceid":
		return deviceField
	case "sensor":
		return sensorField
	case "ts", "time", "timestamp":
		return timeField
	case "value", "val":
		return valueField
	case "quality", "statuscode", "status", "q", "good", "isgood", "valid", "isvalid":
		return qualityField
	}
	return -1
}

// plainReading reads the object that opens at b[i] and returns the index after it. The error
// wraps [fleet.ErrInvalid]; the index means nothing then.
func (r *Reader) plainReading(b []byte, i int) (plainReading, int, error) {
	var o plainReading
	var given [fields]bool
	if i >= len(b) || b[i] != '{' {
		return o, 0, fault(b, i, "a JSON object")
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return o, 0, fmt.Errorf("%w: the object is empty", fleet.ErrInvalid)
	}
	for {
		var err error
		if i, err = r.member(b, i, &o, &given); err != nil {
			return o, 0, err
		}
		if b[i] == '}' {
			break
		}
		i = space(b, i+1)
	}
	for f, ok := range given {
		if !ok {
			return o, 0, fmt.Errorf("%w: %s is missing", fleet.ErrInvalid, fieldNames[f])
		}
	}
	return o, i + 1, nil
}

// member reads the member that begins at b[i] into o. It returns the index of the comma or
// brace after it.
func (r *Reader) member(b []byte, i int, o *plainReading, given *[fields]bool) (int, error) {
	f, begin, err := memberKey(b, i)
	if err != nil {
		return 0, err
	}
	v, end, err := scanValue(b, begin)
	if err != nil {
		return 0, err
	}
	if f == qualityField {
		o.missing = o.missing || badQuality(v)
	} else if f >= 0 {
		if given[f] {
			return 0, fmt.Errorf("%w: %s is given twice", fleet.ErrInvalid, fieldNames[f])
		}
		given[f] = true
		if err := r.set(o, f, v); err != nil {
			return 0, fmt.Errorf("%s: %w", fieldNames[f], err)
		}
	}
	i = space(b, end)
	if i >= len(b) || b[i] != ',' && b[i] != '}' {
		return 0, fault(b, i, "a comma or a closing brace")
	}
	return i, nil
}

// memberKey reads the key that begins at b[i]. It returns the member that it names and the
// index of the value.
func memberKey(b []byte, i int) (f, begin int, err error) {
	end, escaped, err := scanString(b, i)
	if err != nil {
		return 0, 0, err
	}
	name, err := text(b[i:end], escaped)
	if err != nil {
		return 0, 0, err
	}
	i = space(b, end)
	if i >= len(b) || b[i] != ':' {
		return 0, 0, fault(b, i, "a colon")
	}
	return field(name), space(b, i+1), nil
}

// value is a JSON value.
type value struct {
	kind byte   // '"', '0' for a number, 'N' for NaN and infinities, else the first byte
	text []byte // what a string says; else the JSON text
}

// scanValue reads the value that begins at b[i] and returns the index after it.
func scanValue(b []byte, i int) (value, int, error) {
	if i >= len(b) {
		return value{}, 0, fault(b, i, "a value")
	}
	switch c := b[i]; c {
	case '"':
		end, escaped, err := scanString(b, i)
		if err != nil {
			return value{}, 0, err
		}
		t, err := text(b[i:end], escaped)
		return value{'"', t}, end, err
	case '{', '[':
		end, ok := balanced(b, i, ",}] \t\r\n")
		if !ok || !json.Valid(b[i:end]) {
			return value{}, 0, fmt.Errorf("%w: what opens at byte %d is not JSON", fleet.ErrInvalid, i)
		}
		return value{c, b[i:end]}, end, nil
	case 't', 'f', 'n':
		for _, word := range [...]string{"true", "false", "null"} {
			if end := i + len(word); end <= len(b) && string(b[i:end]) == word {
				return value{c, b[i:end]}, end, nil
			}
		}
	case 'N', 'I':
		if n := notFinite(b[i:]); n > 0 {
			return value{'N', b[i : i+n]}, i + n, nil
		}
	default:
		if c == '-' {
			if n := notFinite(b[i+1:]); n > 0 {
				return value{'N', b[i : i+1+n]}, i + 1 + n, nil
			}
		}
		if n := number(b[i:]); n > 0 {
			return value{'0', b[i : i+n]}, i + n, nil
		}
	}
	return value{}, 0, fmt.Errorf("%w: %.20q at byte %d is no JSON value", fleet.ErrInvalid, word(b[i:]), i)
}

// notFinite returns the length of NaN or Infinity if b begins with it, else 0. JSON has
// neither, but Python's json.dumps writes them.
func notFinite(b []byte) int {
	for _, word := range [...]string{"NaN", "Infinity"} {
		if len(b) >= len(word) && string(b[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

// word returns the beginning of b, up to the first byte that ends a value.
func word(b []byte) []byte {
	end, _ := balanced(b, 0, ",}] \t\r\n")
	return b[:end]
}

// set converts v and stores it in the field f of o.
func (r *Reader) set(o *plainReading, f int, v value) (err error) {
	switch f {
	case deviceField:
		o.ID.Device, err = r.name(v)
	case sensorField:
		o.ID.Sensor, err = r.name(v)
	case timeField:
		o.Time, err = r.time(v)
	case valueField:
		var missing bool
		o.Value, missing, err = parseValue(v)
		o.missing = o.missing || missing
	}
	return err
}

// name returns the name that v is, and the same string each time the name occurs. A number's
// name is its text. A number with an exponent is refused, as it can be written in several
// ways.
func (r *Reader) name(v value) (string, error) {
	switch v.kind {
	case '"':
	case '0':
		for _, c := range v.text {
			if c == 'e' || c == 'E' {
				return "", fmt.Errorf("%w: %.40s cannot be a name: write it without an exponent", fleet.ErrInvalid, v.text)
			}
		}
	default:
		return "", fmt.Errorf("%w: %.40s is no name: a string or number is wanted", fleet.ErrInvalid, v.text)
	}
	s, ok := r.names[string(v.text)]
	if !ok {
		s = string(v.text)
		if err := fleet.ValidName(s); err != nil {
			return "", err
		}
		r.names[s] = s
	}
	return s, nil
}

// time returns a time, given as a string or a number.
func (r *Reader) time(v value) (fleet.Millis, error) {
	if v.kind != '0' && v.kind != '"' {
		return 0, fmt.Errorf("%w: %.40s is no time", fleet.ErrInvalid, v.text)
	}
	return timestamp.Parse(v.text, r.opt.Format)
}

// parseValue returns the finite number that v is or that its string holds. A truth value is
// 1 or 0. Missing says that v stands for a missing value.
func parseValue(v value) (x float64, missing bool, err error) {
	switch v.kind {
	case '0':
	case '"':
		v.text = bytes.TrimSpace(v.text)
		if !isNumber(v.text) {
			if notation.Missing(v.text) {
				return 0, true, nil
			}
			return 0, false, fmt.Errorf("%w: the string %.40q holds no number", fleet.ErrInvalid, v.text)
		}
	case 't':
		return 1, false, nil
	case 'f':
		return 0, false, nil
	case 'n', 'N':
		return 0, true, nil
	default:
		return 0, false, fmt.Errorf("%w: %.40s is no number", fleet.ErrInvalid, v.text)
	}
	x, err = strconv.ParseFloat(string(v.text), 64)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %.40s lies outside the range of a float64", fleet.ErrInvalid, v.text)
	}
	return x, false, nil
}

// isNumber reports whether s is a decimal number. Beyond JSON, it may begin with a plus, and
// one side of its point may be without digits.
func isNumber[Text string | []byte](s Text) bool {
	if len(s) > 0 && s[0] == '+' {
		s = s[1:]
		if len(s) > 0 && s[0] == '-' {
			return false
		}
	}
	if n := number(s); n > 0 && (n == len(s) || n == len(s)-1 && s[n] == '.' && !strings.ContainsAny(string(s), "eE")) {
		return true
	}
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	return len(s) > 1 && s[0] == '.' && number("0"+string(s)) == len(s)+1
}

// badQuality reports whether a quality says that its value is bad: see [notation.Bad].
func badQuality(v value) bool {
	return (v.kind == 'f' || v.kind == '"' || v.kind == '0') && notation.Bad(v.text)
}
