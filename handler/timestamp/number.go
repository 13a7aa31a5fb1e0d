package timestamp

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Unit is a unit of time since 1970, and the range of the numbers that are read in it.
type Unit struct {
	Name     string
	PerMilli float64 // units in a millisecond
	From, To float64 // x is in the unit if From <= x < To
}

// Units are the units that [Number] recognises by the magnitude of a number. In each, the
// numbers cover 3 March 1973 to 20 November 2286. Between two units is a gap of a factor of
// ten. Numbers in a gap are refused.
var Units = []Unit{
	{"seconds", 1e-3, 1e8, 1e10},
	{"milliseconds", 1, 1e11, 1e13},
	{"microseconds", 1e3, 1e14, 1e16},
	{"nanoseconds", 1e6, 1e17, 1e19},
}

// Number returns the time x after 1970-01-01 UTC, rounded down to milliseconds. The magnitude
// of x says the unit: see [Units]. The error wraps [fleet.ErrInvalid].
func Number(x float64) (fleet.Millis, error) {
	for _, u := range Units {
		if u.From <= x && x < u.To {
			// The next float64 is used because the nearest one to 1795762800.007 s is
			// smaller, and would give 6 ms.
			return fleet.Millis(math.Floor(math.Nextafter(x, math.Inf(1)) / u.PerMilli)), nil
		}
	}
	return 0, fmt.Errorf("%w: time %v: read as seconds, milliseconds, microseconds or nanoseconds since 1970, it does not lie between 1973 and 2286", fleet.ErrInvalid, x)
}

// number reads a text that is a decimal number. known is false for other texts.
func number(text string) (m fleet.Millis, known bool, err error) {
	if text == "" || strings.Trim(text, "0123456789.eE+-") != "" || text[0] == '+' || strings.ContainsAny(text[1:], "-") && !strings.ContainsAny(text, "eE") {
		return 0, false, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole(n, text)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false, nil
	}
	for _, u := range Units {
		if u.From <= x && x < u.To {
			m, ok := exact(text, u)
			return m, ok, nil
		}
	}
	_, err = Number(x)
	return 0, true, err
}

// whole is number for an integer.
func whole(n int64, text string) (fleet.Millis, bool, error) {
	// Eight digits may be a date without dashes, which the calendar reads.
	if len(text) == 8 || len(text) == 14 && text[0] < '3' {
		if _, ok := (Format{}).iso(text); ok {
			return 0, false, nil
		}
	}
	for _, u := range Units {
		if x := float64(n); u.From <= x && x < u.To {
			if u.PerMilli < 1 {
				return fleet.Millis(n * 1000), true, nil
			}
			return fleet.Millis(n / int64(u.PerMilli)), true, nil
		}
	}
	_, err := Number(float64(n))
	return 0, true, err
}

// exact converts a decimal number in a unit to milliseconds. Only the result is rounded, down.
func exact(text string, u Unit) (fleet.Millis, bool) {
	if len(text) > 60 || strings.ContainsAny(text, "eE") {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, false
		}
		m, err := Number(x)
		return m, err == nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	if u.PerMilli < 1 {
		r.Mul(r, big.NewRat(1000, 1))
	} else {
		r.Quo(r, new(big.Rat).SetFloat64(u.PerMilli))
	}
	return fleet.Millis(new(big.Int).Div(r.Num(), r.Denom()).Int64()), true
}
