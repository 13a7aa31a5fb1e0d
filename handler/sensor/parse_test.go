package sensor

import (
	"errors"
	"testing"
)

func TestParseMillis(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"2018-08-28T23:00:05Z", "2018-08-28T23:00:05.000Z"},
		{"2018-08-29T01:00:05.1239+02:00", "2018-08-28T23:00:05.123Z"},
		{"2018-08-28 23:00:05.000", "2018-08-28T23:00:05.000Z"},
		{"2018-08-28T23:00:05.5", "2018-08-28T23:00:05.500Z"},
		{"1535497205007", "2018-08-28T23:00:05.007Z"},
		{"-1", "1969-12-31T23:59:59.999Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
		{"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"},
	} {
		got, err := ParseMillis(tc.text)
		if err != nil || got.String() != tc.want {
			t.Errorf("ParseMillis(%q) = %v, %v; want %s", tc.text, got, err, tc.want)
		}
	}
	for _, text := range []string{"", "now", "28.08.2018", "2018-08-28", "1535497205.5", "253402300800000", "0001-01-01T00:00:00+01:00", "2018-02-30 00:00:00"} {
		if got, err := ParseMillis(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseMillis(%q) = %v, %v; want an error that wraps ErrInvalid", text, got, err)
		}
	}
}
