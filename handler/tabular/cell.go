package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
)

// kind is the type of a cell's content.
type kind uint8

const (
	text kind = iota
	number
	moment
	missing
	other // a list or an object
	note  // text in a column without numbers, which is ignored
)

// cell is the content of a column in a row. Its text is valid until the next
// row.
type cell struct {
	kind   kind
	text   []byte
	number float64
	moment fleet.Millis
	local  bool // the moment was written without a zone
	stray  bool // the text begins with a quote that stands for itself
}

// isMissing reports whether the cell holds no value.
func (c cell) isMissing() bool {
	switch c.kind {
	case missing:
		return true
	case text:
		return notation.Missing(c.text)
	case number:
		return c.number-c.number != 0
	}
	return false
}

// bad reports whether the cell, a quality, says that values are bad.
func (c cell) bad() bool {
	switch c.kind {
	case text:
		return notation.Bad(c.text)
	case number:
		return c.number >= 1<<31 || string(c.text) == "false"
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
			return 0, noNumber(b)
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
		return 0, noNumber(b)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: value %.40q is no number, or none that a float64 can hold", fleet.ErrInvalid, b)
	}
	return f, nil
}

// isWord reports whether a cell is neither a number nor one with a unit behind it.
func (o Options) isWord(c cell) bool {
	_, err := o.value(c)
	return err != nil && !errors.Is(err, notation.ErrUnit)
}

func noNumber(b []byte) error {
	if err := notation.Almost(string(b)); errors.Is(err, notation.ErrUnit) {
		return fmt.Errorf("%w: value %.40q: %w: write numbers alone, and the unit into the name of the column", fleet.ErrInvalid, b, err)
	}
	return fmt.Errorf("%w: value %.40q is no number", fleet.ErrInvalid, b)
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
