// Package notation recognises what people and machines write in place of numbers: words for
// a missing value, qualities, and numbers with a unit. It also compares names of fields.
package notation

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// missingWords are words for a missing value, in lower case: those of pandas, of spreadsheets,
// of people, and the digital states of the historian PI.
var missingWords = map[string]bool{
	"": true, "nan": true, "-nan": true, "null": true, "(null)": true, "none": true, "nil": true, "na": true, "n/a": true, "<na>": true, "nat": true, "undefined": true,
	"inf": true, "-inf": true, "+inf": true, "infinity": true, "-infinity": true, "?": true, "-": true, "--": true, "---": true, ".": true, "*": true,
	"#n/a": true, "#na": true, "#nv": true, "#value!": true, "#div/0!": true, "#wert!": true, "1.#ind": true, "-1.#ind": true, "1.#qnan": true, "1.#inf": true, "-1.#inf": true,
	"bad": true, "bad input": true, "bad data": true, "bad value": true, "bad quality": true, "bad output": true, "no data": true, "nodata": true, "no value": true, "no result": true,
	"no sample": true, "no good data": true, "not connect": true, "not connected": true, "not available": true, "unavailable": true, "missing": true, "invalid": true, "unknown": true, "error": true, "err": true,
	"fail": true, "failed": true, "fault": true, "offline": true, "i/o timeout": true, "io timeout": true, "timeout": true, "calc failed": true, "comm fail": true, "pt created": true,
	"shutdown": true, "scan off": true, "scan timeout": true, "out of serv": true, "configure": true, "intf shut": true, "under range": true, "over range": true, "equip fail": true, "arc off-line": true,
	"doubtful": true, "uncertain": true, "overflow": true, "underflow": true, "k.a.": true, "keine daten": true, "fehlt": true, "ungültig": true, "fehler": true, "störung": true,
}

// Missing reports whether a text stands for a missing value: it is empty, or a word such as NaN,
// "Bad" or "null". Case does not matter.
func Missing[Text string | []byte](s Text) bool {
	if len(s) > 16 {
		return false
	}
	if missingWords[string(s)] {
		return true
	}
	return missingWords[strings.ToLower(string(s))]
}

// Plain returns a field's name in lower case, without blanks and the characters _ - . and /.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("_-./", r) || !unicode.IsPrint(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// Bad reports whether the quality of a value says that the value is bad. It does if it is
// "false", begins with "bad", or is a status code of OPC UA, decimal or hexadecimal, whose
// severity is Bad. Other numbers are not taken for bad, because
// senders use them differently.
func Bad[Text string | []byte](s Text) bool {
	text := strings.TrimSpace(string(s))
	switch {
	case text == "":
		return false
	case '0' <= text[0] && text[0] <= '9':
		base, digits := 10, text
		if code, ok := strings.CutPrefix(text, "0x"); ok {
			base, digits = 16, code
		}
		n, err := strconv.ParseUint(digits, base, 32)
		return err == nil && n >= 1<<31
	}
	return strings.EqualFold(text, "false") || len(text) >= 3 && strings.EqualFold(text[:3], "bad")
}

// written matches a number as people write it, and the text after it.
var written = regexp.MustCompile(`^[+-]?(\d+|\d{1,3}(?:[ .']\d{3})+)([.,]\d+)?\s*(.*)$`)

// thousands matches a number with commas between thousands.
var thousands = regexp.MustCompile(`^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$`)

// units are the units that [Almost] recognises after a number.
var units = strings.Fields(`° °C °F K C F % %RH V mV kV A mA W kW MW kWh Wh VA kVA Hz kHz rpm RPM U/min 1/min bar mbar Pa hPa kPa MPa psi mm cm m km µm um
	m/s mm/s km/h m/s² m/s2 g kg t l L l/min L/min l/h m³ m3 m³/h m3/h Nm N kN s ms min h dB dBm ppm ppb lx lux Ω Ohm ohm`)

// Reasons why a text that looks like a number cannot be read as one.
var (
	ErrDecimalComma = errors.New("it has a decimal comma")
	ErrThousands    = errors.New("it has separators of thousands")
	ErrUnit         = errors.New("it has a unit behind its number")
)

// Almost returns [ErrDecimalComma], [ErrThousands] or [ErrUnit] if a text looks like a number to
// people but cannot be read as one. Otherwise it returns nil.
func Almost(s string) error {
	s = strings.TrimSpace(s)
	m := written.FindStringSubmatch(s)
	switch {
	case m == nil:
		return nil
	case thousands.MatchString(s):
		return ErrThousands
	case m[3] == "" && strings.HasPrefix(m[2], ","):
		return ErrDecimalComma
	case slices.Contains(units, m[3]):
		return fmt.Errorf("%w, %s", ErrUnit, m[3])
	}
	return nil
}
