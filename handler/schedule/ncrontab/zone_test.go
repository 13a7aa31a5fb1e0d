package ncrontab

import (
	"archive/zip"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/needs"
)

func TestNextInZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, expr, after string
		want              []string // one after the other, in UTC
	}{
		{"Europe/Berlin", "0 0 6 * * *", "2026-03-27 12:00:00", []string{"2026-03-28 05:00:00", "2026-03-29 04:00:00", "2026-03-30 04:00:00"}},
		{"Europe/Berlin", "0 0 9-17 * * MON-FRI", "2026-10-23 14:00:00", []string{"2026-10-23 15:00:00", "2026-10-26 08:00:00"}},
		// 02:00 to 03:00 is skipped on 29 March: once, at its end, with what fires there anyway.
		{"Europe/Berlin", "0 30 2 * * *", "2026-03-28 12:00:00", []string{"2026-03-29 01:00:00", "2026-03-30 00:30:00"}},
		{"Europe/Berlin", "0 */15 * * * *", "2026-03-29 00:40:00", []string{"2026-03-29 00:45:00", "2026-03-29 01:00:00", "2026-03-29 01:15:00"}},
		// 02:00 to 03:00 comes twice on 25 October: the first counts.
		{"Europe/Berlin", "0 30 2 * * *", "2026-10-24 12:00:00", []string{"2026-10-25 00:30:00", "2026-10-26 01:30:00"}},
		{"Europe/Berlin", "0 0 * * * *", "2026-10-24 23:30:00", []string{"2026-10-25 00:00:00", "2026-10-25 02:00:00", "2026-10-25 03:00:00"}},
		{"Europe/Berlin", "0 0 * * * *", "2026-10-25 01:30:00", []string{"2026-10-25 02:00:00"}}, // asked in the second
		{"Europe/Berlin", "0 45 * * * *", "2026-10-25 01:30:00", []string{"2026-10-25 02:45:00"}},
		{"Europe/Berlin", "59 59 * * * *", "2026-10-25 01:30:00", []string{"2026-10-25 02:59:59"}},
		// Half an hour, and a zone that had no 30 December 2011.
		{"Australia/Lord_Howe", "0 0 2 * * *", "2026-10-03 00:00:00", []string{"2026-10-03 15:30:00", "2026-10-04 15:00:00"}},
		{"Pacific/Apia", "0 0 12 * * *", "2011-12-29 00:00:00", []string{"2011-12-29 22:00:00", "2011-12-30 10:00:00", "2011-12-30 22:00:00"}},
		{"Asia/Kolkata", "0 0 0 1 * *", "2026-01-15 00:00:00", []string{"2026-01-31 18:30:00"}},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		got := at(t, c.after)
		for _, want := range c.want {
			if got = s.In(zone).Next(got); !got.Equal(at(t, want)) {
				t.Errorf("%q in %s after %s: %v, want %s", c.expr, c.zone, c.after, got, want)
				break
			}
		}
	}
}

// TestZones walks twenty years of each zone that Go knows, and looks each minute about
// each change of its clocks whether a schedule fires just when they first come to
// such a time, or beyond it.
func TestZones(t *testing.T) {
	t.Parallel()
	exprs := []string{"0 0 * * * *", "0 30 2 * * *", "0 */20 * * * *", "0 0 0 1,15 * *", "0 15,45 1-3 * * SUN", "0 0 0 * * *"}
	from, to := at(t, "2010-01-01 00:00:00"), at(t, "2030-01-01 00:00:00")
	rng := rand.New(rand.NewPCG(1, 2))
	for name, zone := range zones(t) {
		if testing.Short() && rng.IntN(10) > 0 {
			continue
		}
		s, err := Parse(exprs[rng.IntN(len(exprs))])
		if err != nil {
			t.Fatal(err)
		}
		s = s.In(zone)
		for u := from; u.Before(to); u = u.Add(apart) {
			if v := u.Add(apart); shown(zone, v).Sub(v) != shown(zone, u).Sub(u) {
				for offset := shown(zone, u).Sub(u); shown(zone, u).Sub(u) == offset; u = u.Add(time.Hour) {
				}
				walk(t, name, s, u.Add(-2*time.Hour), u.Add(2*time.Hour))
			}
		}
	}
}

// walk compares Next with what the clocks show minute by minute.
func walk(t *testing.T, name string, s Schedule, from, to time.Time) {
	t.Helper()
	seen := shown(s.zone, from.Add(-30*time.Hour))
	for u := from.Add(-30*time.Hour - time.Minute); u.Before(from); u = u.Add(10 * time.Minute) {
		if w := shown(s.zone, u); w.After(seen) {
			seen = w
		}
	}
	var last time.Time
	next := s.Next(from.Add(-time.Minute))
	for u := from; u.Before(to); u = u.Add(time.Minute) {
		fires := false
		for w := shown(s.zone, u); seen.Before(w); {
			seen = seen.Add(time.Minute)
			h, m, _ := seen.Clock()
			fires = fires || s.matchesDay(seen.Date()) && s.fields[hours].has(h) && s.fields[minutes].has(m)
		}
		if fires != next.Equal(u) {
			t.Fatalf("%q in %s at %v: fires %v, but Next is %v", s, name, u, fires, next)
		}
		if fires {
			last = u
			next = s.Next(u)
		}
	}
	if got := s.Last(to.Add(-time.Minute)); !last.IsZero() && !got.Equal(last) {
		t.Fatalf("%q in %s: the last fire before %v is %v, want %v", s, name, to, got, last)
	}
}

// zones returns the zones in Go's own copy of the database.
func zones(t *testing.T) map[string]*time.Location {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), needs.Tool(t, "go", "install Go"), "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all, known := map[string]*time.Location{}, map[string]bool{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if known[string(data)] {
			continue // another name of a zone
		}
		known[string(data)] = true
		if all[f.Name], err = time.LoadLocationFromTZData(f.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 200 {
		t.Fatalf("%d zones", len(all))
	}
	return all
}
