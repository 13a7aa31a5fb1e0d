package timestamp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestParse checks which texts are times, and which are refused.
func TestParse(t *testing.T) {
	t.Parallel()
	const seven = "2026-11-27T07:00:00.000Z"
	berlin := timestamp.Format{Zone: zone(t, "Europe/Berlin")}
	dmy, mdy, points := timestamp.Format{Order: timestamp.DayFirst}, timestamp.Format{Order: timestamp.MonthFirst}, timestamp.Format{Points: true}
	for _, c := range []struct {
		text   string
		format timestamp.Format
		want   string
	}{
		{"2026-11-27T07:00:00Z", timestamp.Format{}, seven},
		{"2026-11-27T07:00:00", timestamp.Format{}, seven},
		{"2026-11-27 07:00", timestamp.Format{}, seven},
		{"2026-11-27 07", timestamp.Format{}, seven},
		{"2026-11-27T09:00:00+02", timestamp.Format{}, seven},
		{"2026-11-27T09:00:00.0000000+0200", timestamp.Format{}, seven},
		{"2026-11-27 07:00:00 UTC", timestamp.Format{}, seven},
		{"2026-11-27T08:00:00+01:00[Europe/Berlin]", timestamp.Format{}, seven},
		{"27-Nov-26 07:00:00", timestamp.Format{}, seven},
		{"27-Nov-26 07:00:00.000", timestamp.Format{}, seven},
		{"2026-11-27T07:00:00Z[UTC]", timestamp.Format{}, seven},
		{"2026-11-27 07:00:00,000", timestamp.Format{}, seven},
		{"2026/11/27 07:00:00", timestamp.Format{}, seven},
		{"20261127T070000Z", timestamp.Format{}, seven},
		{"20261127070000", timestamp.Format{}, seven},
		{"20261127", timestamp.Format{}, "2026-11-27T00:00:00.000Z"},
		{"2026-11-27", timestamp.Format{}, "2026-11-27T00:00:00.000Z"},
		{"2026-11-27T24:00:00Z", timestamp.Format{}, "2026-11-28T00:00:00.000Z"},
		{"2026-11-27T07:00:00.1234567Z", timestamp.Format{}, "2026-11-27T07:00:00.123Z"},
		{"2026-11-27T08:00:00", berlin, seven},
		{"2026-11-27T07:00:00Z", berlin, seven},
		{"2026-07-27T09:00:00", berlin, "2026-07-27T07:00:00.000Z"},
		{"2026-10-25T02:30:00", berlin, "2026-10-25T00:30:00.000Z"}, // this local time occurs twice
		{"2026-10-25T03:00:00", berlin, "2026-10-25T02:00:00.000Z"},
		{"2026-10-25T01:59:59", berlin, "2026-10-24T23:59:59.000Z"},
		{"2026-03-29T02:30:00", berlin, "2026-03-29T01:30:00.000Z"}, // this local time does not exist
		{"2026-03-29T03:00:00", berlin, "2026-03-29T01:00:00.000Z"},
		{"27-Oct-2026 02:30:00", berlin, "2026-10-27T01:30:00.000Z"},
		{"1795762800", timestamp.Format{}, seven},
		{"1795762800.007", timestamp.Format{}, "2026-11-27T07:00:00.007Z"},
		{"1795762800007", timestamp.Format{}, "2026-11-27T07:00:00.007Z"},
		{"1795762800007.9", timestamp.Format{}, "2026-11-27T07:00:00.007Z"},
		{"1795762800007999", timestamp.Format{}, "2026-11-27T07:00:00.007Z"},
		{"1795762800007999999", timestamp.Format{}, "2026-11-27T07:00:00.007Z"},
		{"1.7957628E9", timestamp.Format{}, seven},
		{"100000000", timestamp.Format{}, "1973-03-03T09:46:40.000Z"},
		{"9999999999", timestamp.Format{}, "2286-11-20T17:46:39.000Z"},
		{"/Date(1795762800000)/", timestamp.Format{}, seven},
		{`\/Date(1795762800000+0200)\/`, timestamp.Format{}, seven},
		{"Fri, 27 Nov 2026 07:00:00 GMT", timestamp.Format{}, seven},
		{"Fri, 27 Nov 2026 09:00:00 +0200", timestamp.Format{}, seven},
		{"Fri Nov 27 07:00:00 2026", timestamp.Format{}, seven},
		{"27-Nov-2026 07:00:00", timestamp.Format{}, seven},
		{"27-Nov-2026 07:00:00.25", timestamp.Format{}, "2026-11-27T07:00:00.250Z"},
		{"27.11.2026 07:00:00", points, seven},
		{"27.11.2026 7:00", dmy, seven},
		{"27/11/2026 07:00:00", dmy, seven},
		{"11/27/2026 7:00:00 AM", mdy, seven},
		{"11/27/2026 07:00:00.5 pm", mdy, "2026-11-27T19:00:00.500Z"},
		{"11/27/2026", mdy, "2026-11-27T00:00:00.000Z"},
		{" 2026-11-27T07:00:00Z ", timestamp.Format{}, seven},
	} {
		got, err := timestamp.Parse(c.text, c.format)
		if err != nil || got.String() != c.want {
			t.Errorf("%q: got %v, %v; want %s", c.text, got, err, c.want)
		}
	}
	for _, c := range []struct {
		text   string
		format timestamp.Format
		want   string
	}{
		{"", timestamp.Format{}, "no known format"},
		{"now", timestamp.Format{}, "no known format"},
		{"27.11.2026 07:00:00", timestamp.Format{}, "dmy or mdy"},
		{"03/04/2026", timestamp.Format{}, "dmy or mdy"},
		{"27/11/2026", mdy, "in the order mdy"},
		{"2026-02-30", timestamp.Format{}, "no known format"},
		{"2026-13-01T00:00:00", timestamp.Format{}, "no known format"},
		{"2026-11-27T07:00:60", timestamp.Format{}, "no known format"},
		{"2026-11-27T07:00:00+25:00", timestamp.Format{}, "no known format"},
		{"2026-11-27x07:00:00", timestamp.Format{}, "no known format"},
		{"Fri, 27 Nov 2026 07:00:00 CET", timestamp.Format{}, "no known format"},
		{"5", timestamp.Format{}, "between 1973 and 2286"},
		{"-1795762800", timestamp.Format{}, "between 1973 and 2286"},
		{"20000000000", timestamp.Format{}, "between 1973 and 2286"},
		{"1e300", timestamp.Format{}, "between 1973 and 2286"},
		{"0001-01-01T00:00:00+10:00", timestamp.Format{}, "outside the years"},
		{"/Date(x)/", timestamp.Format{}, "no known format"},
	} {
		got, err := timestamp.Parse(c.text, c.format)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, %v; want an error with %q", c.text, got, err, c.want)
		}
	}
}

// TestUnits checks that the ranges of numbers in different units are far apart, and that numbers in
// each unit are recognized.
func TestUnits(t *testing.T) {
	t.Parallel()
	for i, u := range timestamp.Units[1:] {
		if before := timestamp.Units[i]; u.From < 10*before.To {
			t.Errorf("%s begin at %g, but %s end at %g", u.Name, u.From, before.Name, before.To)
		}
	}
	for _, m := range []fleet.Millis{100_000_000_000, 1_795_762_800_007, 9_999_999_999_999} {
		for _, u := range timestamp.Units {
			if x := float64(m) * u.PerMilli; u.From <= x && x < u.To {
				if got, err := timestamp.Number(x); err != nil || got != m {
					t.Errorf("%g %s: got %v, %v; want %v", x, u.Name, got, err, m)
				}
			}
		}
	}
}

// FuzzParse checks that times which Go writes are read as the same times, and that a string and bytes
// give the same.
func FuzzParse(f *testing.F) {
	f.Add(int64(1795762800007), "27.11.2026 07:00:00", byte(0))
	f.Add(int64(0), "1795762800.007", byte(3))
	f.Fuzz(func(t *testing.T, ms int64, text string, which byte) {
		format := timestamp.Format{Order: []timestamp.Order{timestamp.Unsaid, timestamp.DayFirst, timestamp.MonthFirst}[which%3], Points: which&8 != 0}
		m, err := timestamp.Parse(text, format)
		if n, errBytes := timestamp.Parse([]byte(text), format); n != m || (err == nil) != (errBytes == nil) {
			t.Errorf("%q: %v, %v as a string; %v, %v as bytes", text, m, err, n, errBytes)
		}
		if err == nil && (m < fleet.MinMillis || m > fleet.MaxMillis) {
			t.Errorf("%q was read as %d, outside the years 1 to 9999", text, int64(m))
		}
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: got %v, want fleet.ErrInvalid", text, err)
		}
		at := time.UnixMilli(ms).UTC()
		if y := at.Year(); y < 1 || y > 9999 {
			return
		}
		for _, layout := range []string{"2006-01-02T15:04:05.000", "2006-01-02 15:04:05.000Z07:00", "2006/01/02 15:04:05.000", "20060102T150405.000Z0700"} {
			written := at.Format(layout)
			if got, err := timestamp.Parse(written, format); err != nil || got != fleet.Millis(ms) {
				t.Errorf("Parse(%q) = %d, %v, want %d", written, int64(got), err, ms)
			}
		}
	})
}
