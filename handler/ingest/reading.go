package ingest

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// The members of a reading.
const (
	deviceField = iota
	sensorField
	timeField
	valueField
	fields
)

var fieldNames = [fields]string{"device", "sensor", "ts", "value"}

// field returns which member a key names, in any case, or -1.
func field(key []byte) int {
	var lower [9]byte // the longest is timestamp
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
	}
	return -1
}

// object reads the reading whose object opens at b[i], and returns the index
// after it. With an error, which wraps [fleet.ErrInvalid], the index means
// nothing.
func (p *parser) object(b []byte, i int) (fleet.Reading, int, error) {
	var r fleet.Reading
	var given [fields]bool
	if i >= len(b) || b[i] != '{' {
		return r, 0, fault(b, i, "a JSON object")
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return r, 0, fmt.Errorf("%w: the object is empty", fleet.ErrInvalid)
	}
	for {
		var err error
		if i, err = p.member(b, i, &r, &given); err != nil {
			return r, 0, err
		}
		if b[i] == '}' {
			break
		}
		i = space(b, i+1)
	}
	for f, ok := range given {
		if !ok {
			return r, 0, fmt.Errorf("%w: %s is missing", fleet.ErrInvalid, fieldNames[f])
		}
	}
	return r, i + 1, r.Validate()
}

// member reads the member at b[i] into r, and returns where the comma or brace
// after it is.
func (p *parser) member(b []byte, i int, r *fleet.Reading, given *[fields]bool) (int, error) {
	f, begin, err := memberKey(b, i)
	if err != nil {
		return 0, err
	}
	v, end, err := scanValue(b, begin)
	if err != nil {
		return 0, err
	}
	if f >= 0 {
		if given[f] {
			return 0, fmt.Errorf("%w: %s is given twice", fleet.ErrInvalid, fieldNames[f])
		}
		given[f] = true
		if err := p.set(r, f, v); err != nil {
			return 0, fmt.Errorf("%s: %w", fieldNames[f], err)
		}
	}
	i = space(b, end)
	if i >= len(b) || b[i] != ',' && b[i] != '}' {
		return 0, fault(b, i, "a comma or a closing brace")
	}
	return i, nil
}

// memberKey reads the key at b[i]. It returns the member it names and where the
// value begins.
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

// value is a JSON value: text is that of a string, else the value as written.
type value struct {
	kind byte // '"', '0' for a number, else the first byte
	text []byte
}

// scanValue reads the value at b[i] and returns the index after it.
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
	default:
		if n := number(b[i:]); n > 0 {
			return value{'0', b[i : i+n]}, i + n, nil
		}
	}
	return value{}, 0, fmt.Errorf("%w: %.20q at byte %d is no JSON value", fleet.ErrInvalid, word(b[i:]), i)
}

// word returns what b begins with, up to what ends a value.
func word(b []byte) []byte {
	end, _ := balanced(b, 0, ",}] \t\r\n")
	return b[:end]
}

// set stores v in the member f of r.
func (p *parser) set(r *fleet.Reading, f int, v value) (err error) {
	switch f {
	case deviceField:
		r.ID.Device, err = p.name(v)
	case sensorField:
		r.ID.Sensor, err = p.name(v)
	case timeField:
		r.Time, err = parseTime(v)
	case valueField:
		r.Value, err = parseValue(v)
	}
	return err
}

// name returns a name, one string for all its occurrences. A number is its
// text as it was written, but not 1e3, for which there are other ways to write.
func (p *parser) name(v value) (string, error) {
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
	s, ok := p.names[string(v.text)]
	if !ok {
		s = string(v.text)
		p.names[s] = s
	}
	return s, nil
}

// parseTime returns a time, given as a string or a number.
func parseTime(v value) (fleet.Millis, error) {
	if v.kind != '0' && v.kind != '"' {
		return 0, fmt.Errorf("%w: %.40s is no time", fleet.ErrInvalid, v.text)
	}
	return fleet.ParseMillis(v.text)
}

// parseValue returns a finite number, given as such or in a string.
func parseValue(v value) (float64, error) {
	if v.kind != '0' && v.kind != '"' {
		return 0, fmt.Errorf("%w: %.40s is no number", fleet.ErrInvalid, v.text)
	}
	if v.kind == '"' && (len(v.text) == 0 || number(v.text) != len(v.text)) {
		return 0, fmt.Errorf("%w: the string %.40q holds no number", fleet.ErrInvalid, v.text)
	}
	x, err := strconv.ParseFloat(string(v.text), 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %.40s lies outside the range of a float64", fleet.ErrInvalid, v.text)
	}
	return x, nil
}
