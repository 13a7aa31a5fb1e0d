package page

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

var midnight = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// TestTexts holds how figures are written for people.
func TestTexts(t *testing.T) {
	t.Parallel()
	after := func(d time.Duration) string { return length(midnight, midnight.Add(d)) }
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1\u202f000"}, {count(1234567), "1\u202f234\u202f567"},
		{count(-100), "-100"}, {count(-1000), "-1\u202f000"},
		{percent(0), "0 %"}, {percent(.1), "10 %"}, {percent(.1234), "12 %"}, {percent(.012), "1.2 %"}, {percent(.00012), "0.012 %"}, {percent(1), "100 %"},
		{after(1500 * time.Millisecond), "1.5 s"}, {after(time.Minute), "1 min 0 s"}, {after(90 * time.Second), "1 min 30 s"},
		{after(time.Hour), "1 h 0 min"}, {after(47*time.Hour + 59*time.Minute), "47 h 59 min"}, {after(48 * time.Hour), "2 days"},
		{number(0), "0"}, {number(999999), "999999"}, {number(-1e6), "-1.000e+06"}, {number(.001), "0.001"}, {number(-.0009), "-9.000e-04"}, {number(12.3456789), "12.3457"},
		{moment(midnight.In(time.FixedZone("", 3600))), "2026-03-01 00:00:00"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]int{0: 0, 1e-9: 1, .01: 1, .0101: 2, .03: 2, .031: 3, .1: 3, .11: 4, .3: 4, .31: 5, 1: 5} {
		if got := shade(share); got != want {
			t.Errorf("the shade of %v is %d, want %d", share, got, want)
		}
	}
	for _, c := range []struct {
		cell        runs.Cell
		class, text string
	}{
		{runs.Cell{Jobs: 1}, "quiet", "2026-03-01 00:00:00: 0 of 0 rows are anomalies (0 %)"},
		{runs.Cell{Jobs: 1, Scored: 1, Rows: 1000}, "a0", "2026-03-01 00:00:00: 0 of 1\u202f000 rows are anomalies (0 %)"},
		{runs.Cell{Jobs: 3, Scored: 1, Failed: 2, Rows: 100, Anomalies: 20}, "a4 failed", "2026-03-01 00:00:00: 20 of 100 rows are anomalies (20 %); 2 of 3 jobs failed"},
		{runs.Cell{Jobs: 4, Queued: 3}, "quiet queued", "2026-03-01 00:00:00: 0 of 0 rows are anomalies (0 %); 3 of 4 jobs are waiting"},
		{runs.Cell{Jobs: 4, Failed: 1, Queued: 3}, "quiet failed", "2026-03-01 00:00:00: 0 of 0 rows are anomalies (0 %); 1 of 4 jobs failed; 3 of 4 jobs are waiting"},
	} {
		if class, text := cellClass(c.cell), cellText(midnight, c.cell); class != c.class || text != c.text {
			t.Errorf("%+v: %q, %q, want %q, %q", c.cell, class, text, c.class, c.text)
		}
	}
}

func TestTimeTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from time.Time
		span time.Duration
		want string
	}{
		{midnight, 24 * time.Hour, "0 1 Mar|120 03:00|240 06:00|360 09:00|480 12:00|600 15:00|720 18:00|840 21:00"},
		{midnight.Add(90 * time.Minute), 24 * time.Hour, "60 03:00|180 06:00|300 09:00|420 12:00|540 15:00|660 18:00|780 21:00|900 2 Mar"},
		{midnight.Add(12 * time.Hour), 4 * time.Minute, "0 12:00|240 12:01|480 12:02|720 12:03"},
		{midnight, 9 * 24 * time.Hour, "0 1 Mar|106.7 2 Mar|213.3 3 Mar|320 4 Mar|426.7 5 Mar|533.3 6 Mar|640 7 Mar|746.7 8 Mar|853.3 9 Mar"},
		{midnight, 10 * 24 * time.Hour, "96 2 Mar|288 4 Mar|480 6 Mar|672 8 Mar|864 10 Mar"},
	} {
		var got []string
		for _, tick := range timeTicks(c.from, c.from.Add(c.span), 960) {
			got = append(got, fmt.Sprintf("%.4g %s", tick.At, tick.Text))
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%v from %v:\n%s, want\n%s", c.span, c.from, text, c.want)
		}
	}
	if n := len(timeTicks(midnight, midnight.Add(20*365*24*time.Hour), 960)); n > 250 {
		t.Errorf("%d ticks in 20 years", n)
	}
}

func TestAxis(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{0, 10, []float64{0, 5, 10}},
		{-3, 4, []float64{-4, -2, 0, 2, 4}},
		{98, 102, []float64{98, 99, 100, 101, 102}},
		{7, 7, []float64{6.9, 6.95, 7, 7.05, 7.1}},
		{0, 0, []float64{-1e-9, -5e-10, 0, 5e-10, 1e-9}},
		{1e6, 1e6 + 1e-4, []float64{990000, 1e6, 1010000, 1020000}},
	} {
		low, high, marks := axis(c.low, c.high)
		same := slices.EqualFunc(marks, c.want, func(a, b float64) bool { return fmt.Sprintf("%.9g", a) == fmt.Sprintf("%.9g", b) })
		if !same || low != marks[0] || high != marks[len(marks)-1] {
			t.Errorf("from %v to %v: %v to %v, %v, want %v", c.low, c.high, low, high, marks, c.want)
		}
	}
}

func TestFleetView(t *testing.T) {
	t.Parallel()
	l := runs.Lanes{From: midnight, To: midnight.Add(3 * time.Hour), Columns: []time.Time{midnight, midnight.Add(time.Hour), midnight.Add(2 * time.Hour)},
		Lanes: []runs.Lane{{Name: "d", Cells: []runs.Cell{{Jobs: 1, Queued: 1}, {}, {Jobs: 1, Rows: 10, Anomalies: 1}}}}}
	v := newFleetView(l)
	if v.CellW != 320 || v.Width != 960 || v.Earlier != "2026-03-01T00:00:00Z" || v.Later != "2026-03-01T06:00:00Z" || len(v.Ticks) != 6 {
		t.Errorf("%+v", v)
	}
	want := []cellView{
		{0, "quiet queued", "2026-03-01 00:00:00: 0 of 0 rows are anomalies (0 %); 1 of 1 jobs are waiting", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"},
		{640, "a3", "2026-03-01 02:00:00: 1 of 10 rows are anomalies (10 %)", "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"},
	}
	if !reflect.DeepEqual(v.Rows[0].Cells, want) {
		t.Errorf("%+v, want %+v", v.Rows[0].Cells, want)
	}
}

func TestDeviceView(t *testing.T) {
	t.Parallel()
	job := func(from time.Duration, id fleet.ID, state fleet.JobState, rows, anomalies int) runs.Job {
		w := fleet.Window{From: midnight.Add(from), To: midnight.Add(from + 30*time.Minute)}
		return runs.Job{Run: w.RunID(), JobKey: fleet.JobKey{ID: id}, State: state, Rows: rows, Anomalies: anomalies, Error: "why"}
	}
	sensor, deviceModel := fleet.ID{Device: "d", Sensor: "s"}, fleet.ID{Device: "d", DeviceModel: "m"}
	v := newDeviceView(runs.Device{Device: "d", From: midnight, To: midnight.Add(time.Hour),
		Sensors: []runs.Series{{Sensor: "s", Readings: 3, Points: []runs.Point{{At: midnight, Min: 0, Max: 10}, {At: midnight.Add(30 * time.Minute), Min: 4, Max: 6}}}, {Sensor: "silent"}},
		Jobs: []runs.Job{
			job(30*time.Minute, sensor, fleet.Queued, 0, 0), job(30*time.Minute, deviceModel, fleet.NoData, 0, 0),
			job(0, sensor, fleet.Scored, 10, 1), job(0, deviceModel, fleet.BadData, 0, 0), job(-45*time.Minute, sensor, fleet.Scored, 5, 0),
		}})
	if len(v.Charts) != 3 || v.Charts[0].Name != "s" || v.Charts[1].Name != "silent" || v.Charts[1].Line != "" || len(v.Charts[1].Bars) != 0 {
		t.Fatalf("%+v", v.Charts)
	}
	s, m := v.Charts[0], v.Charts[2]
	if s.Line != "M0 60L480 60" || s.Band != "M0 0L480 48L480 72L0 120Z" {
		t.Errorf("line %q, band %q", s.Line, s.Band)
	}
	if want := []tick{{120, "0"}, {60, "5"}, {0, "10"}}; !slices.Equal(s.Y, want) {
		t.Errorf("marks %v, want %v", s.Y, want)
	}
	run := func(from time.Duration) string { return job(from, sensor, "", 0, 0).Run }
	bars := []bar{
		{480, 480, "quiet queued", "2026-03-01 00:30:00: queued", run(30 * time.Minute)},
		{0, 480, "a3", "2026-03-01 00:00:00: 1 of 10 rows are anomalies (10 %)", run(0)},
		{0, .5, "a0", "2026-02-28 23:15:00: 0 of 5 rows are anomalies (0 %)", run(-45 * time.Minute)},
	}
	if !slices.Equal(s.Bars, bars) || s.Rows != 15 || s.Anomalies != 1 {
		t.Errorf("%d of %d, %+v, want %+v", s.Anomalies, s.Rows, s.Bars, bars)
	}
	bars = []bar{
		{480, 480, "quiet", "2026-03-01 00:30:00: no data", run(30 * time.Minute)},
		{0, 480, "quiet failed", "2026-03-01 00:00:00: bad data: why", run(0)},
	}
	if m.Name != "m" || !m.DeviceModel || !slices.Equal(m.Bars, bars) {
		t.Errorf("%+v, want %+v", m, bars)
	}
	if v.Ranges[2] != (span{"1 day", "2026-02-28T01:00:00Z", "2026-03-01T01:00:00Z", false}) {
		t.Errorf("%+v", v.Ranges)
	}
	for length, want := range map[time.Duration]string{time.Hour: "1 hour", 6 * time.Hour: "6 hours", 7 * time.Hour: ""} {
		chosen := ""
		for _, r := range newDeviceView(runs.Device{From: midnight, To: midnight.Add(length)}).Ranges {
			if r.Chosen {
				chosen += r.Text
			}
		}
		if chosen != want {
			t.Errorf("of %v %q is chosen, want %q", length, chosen, want)
		}
	}
}

// TestLinks holds where links lead: another question begins at its first page.
func TestLinks(t *testing.T) {
	t.Parallel()
	f := frame{Here: &url.URL{Path: "/api/runs/r 1/jobs", RawQuery: "state=failed&page=3&code=k"}, Key: "k"}
	for _, c := range []struct{ got, want string }{
		{f.With("state", fleet.NoData), "/api/runs/r%201/jobs?code=k&state=no_data"},
		{f.With("state", ""), "/api/runs/r%201/jobs?code=k"},
		{f.Page(4), "/api/runs/r%201/jobs?code=k&page=4&state=failed"},
		{f.RunID(), "r 1"},
		{f.Link("devices", "a/b"), "/api/devices/a%2Fb?code=k"},
		{f.Query("range", "day", "fleet"), "/api/fleet?code=k&range=day"},
		{f.Span("d", "x", "y"), "/api/devices/d?code=k&from=x&to=y"},
		{frame{}.Link("runs"), "/api/runs"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
	if !f.Is("state", "failed", "") || f.Is("state", "", "") || !f.Is("sort", "worst", "worst") {
		t.Error("what is chosen is mistaken")
	}
}
