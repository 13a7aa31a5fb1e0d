package fleet

import (
	"errors"
	"testing"
	"time"
)

func TestParseMillis(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"2018-08-28T23:00:05Z", "2018-08-28T23:00:05.000Z"},
		{"2018-08-28t23:00:05z", "2018-08-28T23:00:05.000Z"},
		{"2018-08-29T01:00:05.1239+02:00", "2018-08-28T23:00:05.123Z"},
		{"2018-08-28T17:30:05.1-05:30", "2018-08-28T23:00:05.100Z"},
		{"2018-08-28 23:00:05.000", "2018-08-28T23:00:05.000Z"},
		{"2018-08-28 23:00:05.25", "2018-08-28T23:00:05.250Z"},
		{"2018-08-28 23:00:05", "2018-08-28T23:00:05.000Z"},
		{"2018-08-29 01:00:05+02:00", "2018-08-28T23:00:05.000Z"},
		{"2018-08-28T23:00:05.0069999999999999999999999Z", "2018-08-28T23:00:05.006Z"},
		{"1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"},
		{"2000-02-29 00:00:00", "2000-02-29T00:00:00.000Z"},
		{"1535497205007", "2018-08-28T23:00:05.007Z"},
		{"1535497205007.9", "2018-08-28T23:00:05.007Z"},
		{"1.535497205007E12", "2018-08-28T23:00:05.007Z"},
		{"0", "1970-01-01T00:00:00.000Z"},
		{"-1", "1969-12-31T23:59:59.999Z"},
		{"-0.5", "1969-12-31T23:59:59.999Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
		{"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"},
	} {
		got, err := ParseMillis(tc.text)
		if err != nil || got.String() != tc.want {
			t.Errorf("ParseMillis(%q) = %v, %v; want %s", tc.text, got, err, tc.want)
		}
	}
	for _, text := range []string{
		"", " ", "now", "28.08.2018", "2018-08-28", "2018-08-28 23:00", "2018-08-28T23:00:05",
		"2018-08-28T23:00:05.Z", "2018-08-28T23:00:05,5Z", "2018-08-28T7:00:05Z", "2018-08-28T24:00:00Z",
		"2018-08-28T23:59:60Z", "2018-02-30 00:00:00", "1900-02-29 00:00:00", "2018-13-01 00:00:00", "2018-00-01 00:00:00",
		"2018-08-28T23:00:05+24:00", "2018-08-28T23:00:05+0200", "2018-08-28T23:00:05ZZ", "2018-08-28_23:00:05Z",
		"+1535497205007", "0x10", "1_000", "NaN", "Inf", "1e", "1-2", "253402300800000", "1e300", "-1e300",
		"99999999999999999999", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01", "0000-12-31T00:00:00Z",
	} {
		if got, err := ParseMillis(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseMillis(%q) = %v, %v; want an error that wraps ErrInvalid", text, got, err)
		}
	}
}

// Whatever time.RFC3339Nano writes is read as the same moment, and what is read
// is read the same from bytes.
func FuzzParseMillis(f *testing.F) {
	f.Add(int64(1535497205007), 7200, "2018-08-28 23:00:05.000")
	f.Add(int64(-62135596800000), -60, "1e12")
	f.Fuzz(func(t *testing.T, ms int64, offset int, text string) {
		m, err := ParseMillis(text)
		if n, errBytes := ParseMillis([]byte(text)); n != m || (err == nil) != (errBytes == nil) {
			t.Errorf("%q: %v, %v as a string; %v, %v as bytes", text, m, err, n, errBytes)
		}
		if err == nil && (m < MinMillis || m > MaxMillis) {
			t.Errorf("%q was read as %d, outside the years 1 to 9999", text, int64(m))
		}
		at := time.UnixMilli(ms).In(time.FixedZone("", offset/60%1440*60))
		if y := at.Year(); y < 1 || y > 9998 || at.UTC().Year() < 1 {
			t.Skip()
		}
		written := at.Format(time.RFC3339Nano)
		if got, err := ParseMillis(written); err != nil || got != Millis(ms) {
			t.Errorf("ParseMillis(%q) = %d, %v; want %d", written, int64(got), err, ms)
		}
	})
}
