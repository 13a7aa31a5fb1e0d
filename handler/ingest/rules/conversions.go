package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// conversion computes ((value + before) * times / by) + after. Each step is rounded to a
// float64, so that every processor gives the same result.
type conversion struct{ before, times, by, after float64 }

func (c conversion) of(x float64) float64 {
	x = float64(x + c.before)
	x = float64(x * c.times)
	x = float64(x / c.by)
	return x + c.after
}

// conversions has the conversions by name. The factors are exact by definition, except
// those of psi and hp, which are rounded to a float64.
var conversions = map[string]conversion{
	"F>C": {-32, 5, 9, 0}, "C>F": {0, 9, 5, 32}, "K>C": {0, 1, 1, -273.15}, "C>K": {0, 1, 1, 273.15}, "F>K": {459.67, 5, 9, 0},
	"psi>kPa": {0, 6.894757293168361, 1, 0}, "psi>bar": {0, 0.06894757293168361, 1, 0}, "bar>kPa": {0, 100, 1, 0}, "kPa>bar": {0, 1, 100, 0}, "bar>psi": {0, 1, 0.06894757293168361, 0},
	"Pa>kPa": {0, 1, 1000, 0}, "hPa>kPa": {0, 1, 10, 0}, "mbar>kPa": {0, 1, 10, 0}, "mbar>bar": {0, 1, 1000, 0}, "MPa>kPa": {0, 1000, 1, 0}, "MPa>bar": {0, 10, 1, 0}, "atm>kPa": {0, 101.325, 1, 0},
	"in>mm": {0, 25.4, 1, 0}, "ft>m": {0, 0.3048, 1, 0}, "mi>km": {0, 1.609344, 1, 0}, "mm>m": {0, 1, 1000, 0}, "mil>um": {0, 25.4, 1, 0}, "in/s>mm/s": {0, 25.4, 1, 0},
	"mph>m/s": {0, 0.44704, 1, 0}, "km/h>m/s": {0, 10, 36, 0}, "m/s>km/h": {0, 36, 10, 0}, "kn>m/s": {0, 1852, 3600, 0}, "g>m/s2": {0, 9.80665, 1, 0}, "rpm>Hz": {0, 1, 60, 0}, "Hz>rpm": {0, 60, 1, 0},
	"gal>l": {0, 3.785411784, 1, 0}, "gpm>l/min": {0, 3.785411784, 1, 0}, "m3/h>l/min": {0, 1000, 60, 0}, "cfm>m3/h": {0, 0.028316846592 * 60, 1, 0}, "lb>kg": {0, 0.45359237, 1, 0}, "lbf>N": {0, 4.4482216152605, 1, 0},
	"hp>kW": {0, 0.7456998715822702, 1, 0}, "W>kW": {0, 1, 1000, 0}, "kW>W": {0, 1000, 1, 0}, "Wh>kWh": {0, 1, 1000, 0}, "J>kWh": {0, 1, 3.6e6, 0}, "mA>A": {0, 1, 1000, 0}, "mV>V": {0, 1, 1000, 0},
	"ms>s": {0, 1, 1000, 0}, "min>s": {0, 60, 1, 0}, "h>s": {0, 3600, 1, 0}, "%>1": {0, 1, 100, 0}, "1>%": {0, 100, 1, 0},
}

// Conversions returns the names of the conversions, sorted.
func Conversions() []string { return slices.Sorted(maps.Keys(conversions)) }

func checkConversion(name string) error {
	if _, ok := conversions[name]; ok {
		return nil
	}
	return fmt.Errorf("there is no conversion %q: use one of %s, or scale and offset", name, strings.Join(Conversions(), " "))
}
