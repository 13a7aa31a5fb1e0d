package tabular

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// kind is what a cell holds.
type kind uint8

const (
	text kind = iota
	number
	moment
	missing
	other // what is neither: a list, an object
)

// cell is the content of a column in a row. Its text is valid until the next
// row.
type cell struct {
	kind   kind
	text   []byte
	number float64
	moment fleet.Millis
}

// missingWords say, in lower case, that there is no value: of pandas, of
// spreadsheets, of historians (PI's digital states) and of people.
var missingWords = map[string]bool{
	"": true, "nan": true, "-nan": true, "null": true, "none": true, "nil": true, "na": true, "n/a": true, "<na>": true, "nat": true, "undefined": true,
	"inf": true, "-inf": true, "+inf": true, "infinity": true, "-infinity": true, "?": true, "-": true, "--": true, "---": true, ".": true, "*": true,
	"#n/a": true, "#na": true, "#nv": true, "#value!": true, "#div/0!": true, "#wert!": true, "1.#ind": true, "-1.#ind": true, "1.#qnan": true, "1.#inf": true, "-1.#inf": true,
	"bad": true, "bad input": true, "bad data": true, "bad value": true, "bad quality": true, "bad output": true, "no data": true, "nodata": true, "no value": true, "no result": true,
	"no sample": true, "no good data": true, "not connect": true, "not connected": true, "not available": true, "unavailable": true, "missing": true, "invalid": true, "unknown": true, "error": true, "err": true,
	"fail": true, "failed": true, "fault": true, "offline": true, "i/o timeout": true, "io timeout": true, "timeout": true, "calc failed": true, "comm fail": true, "pt created": true,
	"shutdown": true, "scan off": true, "scan timeout": true, "out of serv": true, "configure": true, "intf shut": true, "under range": true, "over range": true, "equip fail": true, "arc off-line": true,
	"doubtful": true, "uncertain": true, "overflow": true, "underflow": true, "k.a.": true, "keine daten": true, "fehlt": true, "ungültig": true, "fehler": true, "störung": true,
}

// missing reports whether a text says that there is no value.
func saysMissing(b []byte) bool {
	if len(b) > 16 {
		return false
	}
	if missingWords[string(b)] {
		return true
	}
	return missingWords[strings.ToLower(string(b))]
}

// isMissing reports whether the cell holds no value.
func (c cell) isMissing() bool {
	switch c.kind {
	case missing:
		return true
	case text:
		return saysMissing(c.text)
	case number:
		return c.number-c.number != 0
	}
	return false
}

// value returns the number in a cell that is not missing.
func (o Options) value(c cell) (float64, error) {
	switch c.kind {
	case number:
		return c.number, nil
	case text:
		return o.parse(c.text)
	}
	return 0, fmt.Errorf("%w: the value is no number", fleet.ErrInvalid)
}

// parse reads a number written with a decimal point or comma, with or without
// separators of thousands, or a truth value.
func (o Options) parse(b []byte) (float64, error) {
	const digits = "0123456789"
	points, commas := bytes.Count(b, []byte(".")), bytes.Count(b, []byte(","))
	decimal := o.Decimal
	switch {
	case decimal != "":
	case commas == 0 && points <= 1:
		decimal = "."
	case points == 0 && commas == 1:
		decimal = ","
		if o.Delimiter == ',' && grouped(b, ',') {
			return 0, fmt.Errorf("%w: value %.40q may be a thousand or a fraction: say which with --decimal", fleet.ErrInvalid, b)
		}
	case points > 0 && commas > 0: // the later of them is the decimal one
		decimal = "."
		if bytes.LastIndexByte(b, ',') > bytes.LastIndexByte(b, '.') {
			decimal = ","
		}
	case points > 1:
		decimal = ","
	default:
		decimal = "."
	}
	s := string(b)
	group, separator := ",", byte(',')
	if decimal == "," {
		group, separator = ".", '.'
	}
	if strings.Contains(s, group) {
		whole, _, _ := strings.Cut(s, decimal)
		if !grouped([]byte(whole), separator) || strings.Contains(s[len(whole):], group) {
			return 0, fmt.Errorf("%w: value %.40q is no number", fleet.ErrInvalid, b)
		}
		s = strings.ReplaceAll(s, group, "")
	}
	if decimal == "," {
		s = strings.Replace(s, ",", ".", 1)
	}
	if strings.Trim(s, digits+".eE+-") != "" { // what ParseFloat takes besides: hexadecimal, underscores
		switch strings.ToLower(s) {
		case "true":
			return 1, nil
		case "false":
			return 0, nil
		}
		return 0, fmt.Errorf("%w: value %.40q is no number", fleet.ErrInvalid, b)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: value %.40q is no number, or none that a float64 can hold", fleet.ErrInvalid, b)
	}
	return f, nil
}

// grouped reports whether b is a whole number with a separator before each
// three digits.
func grouped(b []byte, separator byte) bool {
	b = bytes.TrimLeft(b, "+-")
	parts := bytes.Split(b, []byte{separator})
	for i, p := range parts {
		if len(bytes.Trim(p, "0123456789")) != 0 || i > 0 && len(p) != 3 || i == 0 && (len(p) == 0 || len(p) > 3) {
			return false
		}
	}
	return len(parts) > 1
}
