package ncrontab

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, after, want string }{
		{"0 0 * * * *", "2018-08-28 23:00:00", "2018-08-29 00:00:00"}, // strictly after
		{"0 0 * * * *", "2018-08-28 22:59:59", "2018-08-28 23:00:00"},
		{"*/10 * * * * *", "2018-08-28 23:59:50", "2018-08-29 00:00:00"},
		{"0 */5 * * * *", "2018-12-31 23:56:00", "2019-01-01 00:00:00"},
		{"*/5 * * * *", "2018-12-31 23:50:01", "2018-12-31 23:55:00"}, // five fields: no seconds
		{"30 5/20 * * * *", "2018-01-01 00:05:30", "2018-01-01 00:25:30"},
		{"30 5/20 * * * *", "2018-01-01 00:45:30", "2018-01-01 01:05:30"},
		{"0 0 9-17/4 * * *", "2018-01-01 09:00:00", "2018-01-01 13:00:00"},
		{"0 0 17-9/4 * * *", "2018-01-01 09:00:00", "2018-01-01 13:00:00"}, // reversed is swapped
		{"0 0 0 * * FRI-MON", "2018-01-01 00:00:00", "2018-01-02 00:00:00"},
		{"0 0 0 * * 5-1", "2018-01-06 00:00:00", "2018-01-08 00:00:00"},
		{"0 0 0 13 * Fri", "2018-01-01 00:00:00", "2018-04-13 00:00:00"}, // day AND weekday
		{"0 0 0 1,15 * *", "2018-01-01 00:00:00", "2018-01-15 00:00:00"},
		{"0 0 0 31 * *", "2018-01-31 00:00:00", "2018-03-31 00:00:00"},
		{"0 0 0 29 2 *", "2018-01-01 00:00:00", "2020-02-29 00:00:00"},
		{"0 0 0 29 Feb Mon", "2018-01-01 00:00:00", "2044-02-29 00:00:00"},
		{"0 0 0 29 feb Mon", "2072-02-29 00:00:00", "2112-02-29 00:00:00"}, // 40 years: 2100 has no 29th
		{"0 0 0 1 J *", "2018-05-01 00:00:00", "2019-01-01 00:00:00"},      // the first name
		{"0 0 0 1 september *", "2018-05-01 00:00:00", "2018-09-01 00:00:00"},
		{"0 0 0 * * t", "2018-01-03 00:00:00", "2018-01-09 00:00:00"},
		{"*/0 0 0 * * *", "2018-01-01 00:00:00", "2018-01-01 00:00:01"}, // a step of 0 is 1
		{"0/1000 0 0 * * *", "2018-01-01 00:00:00", "2018-01-02 00:00:00"},
		{"59 59 23 31 12 *", "2018-12-31 23:59:59", "2019-12-31 23:59:59"},
		{"* * * * * *", "9999-12-31 23:59:58", "9999-12-31 23:59:59"},
		{"* * * * * *", "9999-12-31 23:59:59", ""},
		{"* * 12 * * *", "9999-12-31 13:00:00", ""},
		{"59 59 23 31 12 *", "9999-12-31 23:59:59", ""},
	} {
		s, err := Parse(c.expr)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.expr, err)
			continue
		}
		got := s.Next(at(t, c.after))
		if c.want == "" {
			if !got.IsZero() {
				t.Errorf("%q after %s: %v, want never", c.expr, c.after, got)
			}
			continue
		}
		if !got.Equal(at(t, c.want)) {
			t.Errorf("%q after %s: %v, want %s", c.expr, c.after, got, c.want)
		}
	}
	if got := (Schedule{}).Next(at(t, "2018-01-01 00:00:00")); !got.IsZero() {
		t.Errorf("the zero Schedule fires at %v", got)
	}
}

func TestNextIsInUTC(t *testing.T) {
	t.Parallel()
	s, err := Parse("0 0 0 * * *")
	if err != nil {
		t.Fatal(err)
	}
	east := time.FixedZone("east", 5*3600)
	after := time.Date(2018, 8, 29, 3, 0, 0, 7, east) // 22:00 on the 28th in UTC
	if got, want := s.Next(after), at(t, "2018-08-29 00:00:00"); got != want {
		t.Errorf("Next = %v, want %v", got, want)
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, now, want string }{
		{"0 0 * * * *", "2018-08-28 23:00:00", "2018-08-28 23:00:00"},
		{"0 0 * * * *", "2018-08-28 23:59:59", "2018-08-28 23:00:00"},
		{"* * * * * *", "2018-08-28 23:59:59", "2018-08-28 23:59:59"},
		{"0 0 0 1 1 *", "2018-08-28 23:00:00", "2018-01-01 00:00:00"},
		{"* * * * 1 *", "2018-08-28 23:00:00", "2018-01-31 23:59:59"},
		{"0 0 0 29 2 Mon", "2018-08-28 23:00:00", "2016-02-29 00:00:00"},
	} {
		s, err := Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Last(at(t, c.now))
		if c.want == "" && !got.IsZero() || c.want != "" && !got.Equal(at(t, c.want)) {
			t.Errorf("last of %q at %s: %v, want %s", c.expr, c.now, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, says string }{
		{"", "0 fields"},
		{"* * * *", "4 fields"},
		{"0 0 0 * * * *", "7 fields"},
		{"@hourly", "@hourly"},
		{"00:05:00", "TimeSpan"},
		{"60 * * * * *", "second \"60\": 60 lies outside 0 to 59"},
		{"0 0 24 * * *", "hour"},
		{"0 0 0 0 * *", "day of month"},
		{"0 0 0 0/5 * *", "day of month"},
		{"0 0 0 32 * *", "outside 1 to 31"},
		{"0 0 0 * 13 *", "month"},
		{"0 0 0 * * 7", "outside 0 to 6"},
		{"0 0 0 ? * *", "day of month"},
		{"0 0 0 L * *", "day of month"},
		{"0 0 0 * * Mo#2", "no name"},
		{"0 0 0 * * Mondays", "no name"},
		{"0 0 0 * Foo *", "use 1 to 12 or January to December"},
		{"0 0 0 * * 1-", "missing"},
		{"0,, * * * * *", "missing"},
		{"*/ * * * * *", "step: a value is missing"},
		{"*/-2 * * * * *", "step"},
		{"-5 * * * * *", "missing"},
		{"1-2-3 * * * * *", "whole number"},
		{"99999999999999999999 * * * * *", "whole number"},
		{"70/2 * * * * *", "outside"},
		{"0 0 0 30 2 *", "never fires"},
		{"0 0 0 31 4,6,9,11 *", "never fires"},
	} {
		_, err := Parse(c.expr)
		if err == nil || !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Parse(%q) = %v, want an invalid that says %q", c.expr, err, c.says)
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	s, err := Parse("  0 */5  * * * mon ")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.String(), "0 */5 * * * mon"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

// FuzzParse checks that what parses reads back, and that Next and Last end and
// agree with each other.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 0 * * * *", "*/5 * * * *", "0 0 0 29 2 Mon", "1-5/2,7 * 9-17 * JAN-mar fri-MON", "0 0 0 30 2 *"} {
		f.Add(s, int64(1535497200))
	}
	f.Fuzz(func(t *testing.T, expr string, unix int64) {
		s, err := Parse(expr)
		if err != nil {
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Fatalf("%q reads back as %v, %v", s, again, err)
		}
		now := time.Unix(unix%(1<<37), 0).UTC()
		next := s.Next(now)
		if next.IsZero() {
			return
		}
		if !next.After(now) || next.Year() > 9999 {
			t.Fatalf("%q: next after %v is %v", s, now, next)
		}
		if last := s.Last(next); !last.Equal(next) {
			t.Fatalf("%q: the last fire at %v is %v", s, next, last)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	s, err := Parse("0 */5 9-17 * * mon-fri")
	if err != nil {
		b.Fatal(err)
	}
	now := at(b, "2018-08-28 18:00:00")
	for b.Loop() {
		s.Next(now)
	}
}
