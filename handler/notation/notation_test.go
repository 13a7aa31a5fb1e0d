package notation_test

import (
	"errors"
	"testing"

	"github.com/fleetscore/fleetscore/handler/notation"
)

// TestBad checks which qualities and status codes are bad.
func TestBad(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Bad": true, "bad, no communication": true, "BadSensorFailure": true, "false": true, "False": true, "0x80000000": true, "2147483648": true, " bad ": true,
		"": false, "Good": false, "true": false, "0": false, "192": false, "0x40000000": false, "0x": false, "99999999999999999999": false, "ba": false, "uncertain": false,
	} {
		if got := notation.Bad(text); got != want {
			t.Errorf("Bad(%q) = %v, want %v", text, got, want)
		}
		if got := notation.Bad([]byte(text)); got != want {
			t.Errorf("Bad([]byte(%q)) = %v, want %v", text, got, want)
		}
	}
}

// TestAlmost checks the reasons for texts that are almost numbers.
func TestAlmost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"21,5": notation.ErrDecimalComma, "-1.234,5": nil, "1,234": notation.ErrThousands, "1,234,567.5": notation.ErrThousands,
		"21.5 °C": notation.ErrUnit, "85%": notation.ErrUnit, "-67 dBm": notation.ErrUnit, "1,5 bar": notation.ErrUnit,
		"": nil, "21.5": nil, "1.2.3": nil, "54.6,25.2": nil, "192.168.1.1": nil, "running": nil, "12 monkeys": nil, "2026-11-27": nil, "0x1F": nil, "C": nil,
	} {
		if err := notation.Almost(text); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("Almost(%q) = %v, want %v", text, err, want)
		}
	}
}

// TestMissing checks which texts stand for a missing value.
func TestMissing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, "NaN": true, "(null)": true, "Bad Input": true, "-": true, "0": false, "-1": false, "badly": false, "no data for the whole day": false} {
		if notation.Missing(text) != want || notation.Missing([]byte(text)) != want {
			t.Errorf("Missing(%q) is not %v", text, want)
		}
	}
}

// TestPlain checks that spellings of a name become the same.
func TestPlain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"deviceId", "Device_ID", "device id", "DEVICE-ID", "device.id"} {
		if got := notation.Plain(name); got != "deviceid" {
			t.Errorf("Plain(%q) = %q, want deviceid", name, got)
		}
	}
}
