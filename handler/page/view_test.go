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

// TestTexts checks how figures are written for people.
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

// TestResidualPlot checks that zero is in the middle of the axis, with a limit on either side.
func TestResidualPlot(t *testing.T) {
	t.Parallel()
	a, limit := newAxis(midnight, midnight.Add(time.Hour)), 3.
	half := midnight.Add(30 * time.Minute)
	s := runs.Series{Values: 4, Points: []runs.Point{{At: midnight, Min: -1, Max: 1}, {At: half, Min: -5, Max: 2}}}
	found := []runs.AnomalousPiece{{At: half, Anomalies: 1}, {At: midnight.Add(time.Minute), Anomalies: 1}}
	p := newResidualPlot("r", &s, a, &limit, found)
	if p.Low != -p.High || p.Threshold == nil || p.Lower == nil || p.Threshold.At >= 55 || p.Threshold.At+p.Lower.At != 110 || p.Lower.Text != "-3" || p.Values != 4 {
		t.Errorf("%+v", p)
	}
	if want := []dot{{50, p.y(-5), "2026-03-01 00:30:00 UTC: an anomaly, -5"}}; !slices.Equal(p.Dots, want) {
		t.Errorf("dots %+v, want %+v", p.Dots, want)
	}
	if p := newResidualPlot("r", &s, a, nil, nil); p.Threshold != nil || p.Lower != nil || p.Line == "" || p.Low != -p.High {
		t.Errorf("without a limit: %+v", p)
	}
	far := 1000. // it would flatten the line
	if p := newResidualPlot("r", &s, a, &far, nil); p.Threshold != nil || p.Lower != nil || p.High > 10 {
		t.Errorf("a limit that is far away: %+v", p)
	}
}

func TestMany(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 changes", 1: "1 change", 2: "2 changes", 1000: "1\u202f000 changes"} {
		if got := many(n, "change"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestRescoreNamesJobs checks that the button tells failed jobs from those without a model.
func TestRescoreNamesJobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		counts fleet.Counts
		want   string
	}{
		{fleet.Counts{fleet.Scored: 3, fleet.NoData: 1}, ""},
		{fleet.Counts{fleet.BadModel: 1, fleet.BadData: 1, fleet.Failed: 5}, "the 7 that failed"},
		{fleet.Counts{fleet.Scored: 1, fleet.NoModel: 2}, "the 2 without a model"},
		{fleet.Counts{fleet.Failed: 1, fleet.NoModel: 1}, "the 1 that failed and the 1 without a model"},
	} {
		if got := newRunView(runs.Run{Progress: &runs.Progress{Jobs: c.counts.Total(), Counts: c.counts}}).Mends; got != c.want {
			t.Errorf("%v: %q, want %q", c.counts, got, c.want)
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
		{runs.Cell{Jobs: 1}, "quiet", "2026-03-01 00:00:00 UTC: no rows"},
		{runs.Cell{Jobs: 1, Scored: 1, Rows: 1000}, "a0", "2026-03-01 00:00:00 UTC: 0 of 1\u202f000 rows are anomalies (0 %)"},
		{runs.Cell{Jobs: 3, Scored: 1, Failed: 2, Rows: 100, Anomalies: 20}, "a4 failed", "2026-03-01 00:00:00 UTC: 20 of 100 rows are anomalies (20 %); 2 of 3 jobs failed"},
		{runs.Cell{Jobs: 4, Queued: 3}, "quiet queued", "2026-03-01 00:00:00 UTC: no rows; 3 of 4 jobs are waiting"},
		{runs.Cell{Jobs: 4, Failed: 1, Queued: 3}, "quiet failed", "2026-03-01 00:00:00 UTC: no rows; 1 of 4 jobs failed; 3 of 4 jobs are waiting"},
	} {
		if class, text := cellClass(c.cell), cellText(midnight, c.cell); class != c.class || text != c.text {
			t.Errorf("%+v: %q, %q, want %q, %q", c.cell, class, text, c.class, c.text)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from time.Time
		span time.Duration
		want string
	}{
		{midnight, 24 * time.Hour, "12.5 03:00|25 06:00|37.5 09:00|50 12:00|62.5 15:00|75 18:00|87.5 21:00"},
		{midnight.Add(90 * time.Minute), 24 * time.Hour, "6.25 03:00|18.75 06:00|31.25 09:00|43.75 12:00|56.25 15:00|68.75 18:00|81.25 21:00|93.75 2 Mar"},
		{midnight.Add(12 * time.Hour), 4 * time.Minute, "25 12:01|50 12:02|75 12:03"},
		{midnight, 8 * time.Second, "12.5 00:00:01|25 00:00:02|37.5 00:00:03|50 00:00:04|62.5 00:00:05|75 00:00:06|87.5 00:00:07"},
		{midnight, 10 * 24 * time.Hour, "10 2 Mar|30 4 Mar|50 6 Mar|70 8 Mar|90 10 Mar"},
	} {
		var got []string
		for _, tick := range newAxis(c.from, c.from.Add(c.span)).Ticks {
			got = append(got, fmt.Sprintf("%.4g %s", tick.At, tick.Text))
			if tick.Day != strings.Contains(tick.Text, "Mar") {
				t.Errorf("%q: that it names a day is %v", tick.Text, tick.Day)
			}
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%v from %v:\n%s, want\n%s", c.span, c.from, text, c.want)
		}
	}
	if n := len(newAxis(midnight, midnight.Add(20*365*24*time.Hour)).Ticks); n > 125 {
		t.Errorf("%d ticks in 20 years", n)
	}
}

func TestScale(t *testing.T) {
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
		var p plot
		marks := p.scale(c.low, c.high)
		same := slices.EqualFunc(marks, c.want, func(a, b float64) bool { return fmt.Sprintf("%.9g", a) == fmt.Sprintf("%.9g", b) })
		if !same || p.Low != marks[0] || p.High != marks[len(marks)-1] {
			t.Errorf("from %v to %v: %v to %v, %v, want %v", c.low, c.high, p.Low, p.High, marks, c.want)
		}
	}
}

func TestFleetView(t *testing.T) {
	t.Parallel()
	l := runs.Lanes{From: midnight, To: midnight.Add(3 * time.Hour), Columns: []time.Time{midnight, midnight.Add(time.Hour), midnight.Add(2 * time.Hour)},
		Lanes: []runs.Lane{{Name: "d", Cells: []runs.Cell{{Jobs: 1, Failed: 1}, {}, {Jobs: 1, Rows: 10, Anomalies: 1}}}}}
	v := newFleetView(l)
	if v.Earlier != "2026-03-01T00:00:00Z" || v.Later != "2026-03-01T06:00:00Z" || len(v.Ticks) != 5 {
		t.Errorf("%+v", v)
	}
	want := []cellView{
		{0, 33.333, "quiet failed", "2026-03-01 00:00:00 UTC: no rows; 1 of 1 jobs failed", true, "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"},
		{66.667, 33.333, "a3", "2026-03-01 02:00:00 UTC: 1 of 10 rows are anomalies (10 %)", false, "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"},
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
	series := runs.Series{Name: "s", Values: 3, Points: []runs.Point{{At: midnight, Min: 0, Max: 10}, {At: midnight.Add(30 * time.Minute), Min: 4, Max: 6}}}
	value, score, limit := 10., -3., -1.
	v := newDeviceView(runs.Device{Device: "d", From: midnight, To: midnight.Add(time.Hour),
		Sensors:   []runs.Track{{Name: "s", Readings: &series, Score: &series, Threshold: &limit, Counted: runs.Counted{Rows: 15, Anomalous: 1}}, {Name: "silent", Readings: &runs.Series{}}, {Name: "m", DeviceModel: true}},
		Anomalies: []runs.AnomalousPiece{{ID: sensor, At: midnight.Add(15 * time.Minute), Anomalies: 2, Value: &value, MinScore: &score, MaxScore: &limit}, {ID: deviceModel, At: midnight, Anomalies: 1}},
		Marks:     []runs.Mark{{At: midnight.Add(15 * time.Minute), What: "model", Text: "s: new"}},
		Jobs: []runs.Job{
			job(30*time.Minute, sensor, fleet.Queued, 0, 0), job(30*time.Minute, deviceModel, fleet.NoData, 0, 0),
			job(0, sensor, fleet.Scored, 10, 1), job(0, deviceModel, fleet.BadData, 0, 0), job(-45*time.Minute, sensor, fleet.Scored, 5, 0),
		}})
	if len(v.Tracks) != 3 || v.Tracks[1].Readings.Empty == "" || len(v.Tracks[1].Bars) != 0 || len(v.Changes.Marks) != 1 || v.Changes.Marks[0].X != 25 {
		t.Fatalf("%+v", v.Tracks)
	}
	s, m := v.Tracks[0], v.Tracks[2]
	if s.Readings.Line != "M0 55L500 55" || s.Readings.Band != "M0 0L500 44L500 66L0 110Z" {
		t.Errorf("line %q, band %q", s.Readings.Line, s.Readings.Band)
	}
	if want := []tick{{At: 110, Text: "0"}, {At: 55, Text: "5"}, {At: 0, Text: "10"}}; !slices.Equal(s.Readings.Y, want) {
		t.Errorf("marks %v, want %v", s.Readings.Y, want)
	}
	if want := []dot{{25, 0, "2026-03-01 00:15:00 UTC: 2 anomalies, 10"}}; !slices.Equal(s.Readings.Dots, want) {
		t.Errorf("dots %+v, want %+v", s.Readings.Dots, want)
	}
	if s.Score.Threshold == nil || len(s.Score.Dots) != 1 || s.Score.Low > -1 {
		t.Errorf("score %+v", s.Score)
	}
	run := func(from time.Duration) string { return job(from, sensor, "", 0, 0).Run }
	bars := []bar{
		{50, 50, "quiet queued", "2026-03-01 00:30:00: queued", false, run(30 * time.Minute)},
		{0, 50, "a3", "2026-03-01 00:00:00 UTC: 1 of 10 rows are anomalies (10 %)", false, run(0)},
		{0, .1, "a0", "2026-02-28 23:15:00 UTC: 0 of 5 rows are anomalies (0 %)", false, run(-45 * time.Minute)},
	}
	if !slices.Equal(s.Bars, bars) {
		t.Errorf("%+v, want %+v", s.Bars, bars)
	}
	bars = []bar{
		{50, 50, "quiet", "2026-03-01 00:30:00: no data", false, run(30 * time.Minute)},
		{0, 50, "quiet failed", "2026-03-01 00:00:00: bad data: why", true, run(0)},
	}
	if m.Name != "m" || !m.DeviceModel || !slices.Equal(m.Bars, bars) {
		t.Errorf("%+v, want %+v", m, bars)
	}
	var chosen []string
	for _, r := range v.Spans {
		if r.Chosen {
			chosen = append(chosen, r.Text)
		}
	}
	if !slices.Equal(chosen, []string{"1 hour"}) || v.Spans[3] != (span{"1 day", "2026-02-28T01:00:00Z", "2026-03-01T01:00:00Z", false}) {
		t.Errorf("%v of %+v", chosen, v.Spans)
	}
}

// TestLineBreaks checks that a line has a gap where there are no readings.
func TestLineBreaks(t *testing.T) {
	t.Parallel()
	at := func(m int, v float64) runs.Point {
		return runs.Point{At: midnight.Add(time.Duration(m) * time.Minute), Min: v, Max: v}
	}
	p := newPlot("", &runs.Series{Points: []runs.Point{at(0, 0), at(1, 10), at(50, 0), at(99, 10), at(100, 0)}}, newAxis(midnight, midnight.Add(100*time.Minute)), nil)
	if want := "M0 110L10 0M500 110h1M990 0L1000 110"; p.Line != want {
		t.Errorf("%s, want %s", p.Line, want)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	center, scale := 10., 2.
	h := newHistogram(runs.Distribution{From: 14, Step: 1, Counts: []int{1, 3}, Mean: 15, SD: 4, Center: &center, Scale: &scale})
	if len(h.Bars) != 2 || h.Bars[1].H != chartHeight || h.Bars[0].H != round(chartHeight/3., 10) || h.Bars[0].X >= h.Bars[1].X || h.Normal == "" {
		t.Errorf("%+v", h)
	}
	if want := "The mean is 2.5 standard deviations above that of training, and the standard deviation is 2 times that of training: the readings differ from those that the model was trained on."; h.Drift != want {
		t.Errorf("%s", h.Drift)
	}
	for want, c := range map[string][2]float64{
		"The mean is that of training, and the standard deviation is 1 times that of training.":                                 {.2, 1},
		"The mean is 0.4 standard deviations above that of training, and the standard deviation is 0.1 times that of training.": {.4, .1}, // a short span
		"The mean is 0.5 standard deviations below that of training, and the standard deviation is 0.9 times that of training.": {-.5, .9},
	} {
		if got := drift(c[0], c[1]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRunsView(t *testing.T) {
	t.Parallel()
	run := func(i int, state fleet.RunState, took time.Duration) runs.Run {
		w := fleet.Window{From: midnight.Add(time.Duration(i) * time.Hour), To: midnight.Add(time.Duration(i+1) * time.Hour)}
		r := runs.Run{ID: w.RunID(), From: w.From, To: w.To, State: state, OpenedAt: w.To}
		if !state.Open() {
			r.EndedAt = w.To.Add(took)
		}
		return r
	}
	v := newRunsView(runs.RunList{Runs: []runs.Run{run(3, fleet.RunRunning, 0), run(1, fleet.RunDegraded, time.Minute), run(0, fleet.RunSucceeded, 30*time.Second)}})
	if !v.Live || v.Longest != "1 min 0 s" || len(v.Bars) != 3 {
		t.Fatalf("%+v", v)
	}
	if b := v.Bars[1]; b.X != 25 || b.W != 25 || b.H != timelineHeight || b.Class != "run-degraded" {
		t.Errorf("%+v", b)
	}
	if b := v.Bars[2]; b.H != timelineHeight/2 || b.Y != timelineHeight/2 {
		t.Errorf("%+v", b)
	}
}

func TestIngestView(t *testing.T) {
	t.Parallel()
	v := newIngestView(runs.Ingest{From: midnight, To: midnight.Add(2 * time.Minute), Range: "hour",
		Columns: []runs.Ingested{{From: midnight, Events: 5, Stored: 5, Missing: 2, Rejected: 3, LagSeconds: 4}, {From: midnight.Add(time.Minute)}}})
	if v.Part != "minute" || v.Most != "10" || len(v.Bars) != 1 || v.Lags.Values != 1 {
		t.Fatalf("%+v", v)
	}
	if b := v.Bars[0]; b.StoredH != 55 || b.StoredY != 55 || b.OtherH != 22 || b.OtherY != 33 || b.RefusedH != 33 || b.RefusedY != 0 || b.W != 42.5 {
		t.Errorf("%+v", b)
	}
}

// TestLinks checks where links lead. A link that changes the question leads to its first
// page.
func TestLinks(t *testing.T) {
	t.Parallel()
	f := frame{Here: &url.URL{Path: "/api/runs/r 1/jobs", RawQuery: "state=failed&page=3&code=k"}, Key: "k"}
	for _, c := range []struct{ got, want string }{
		{f.With("state", fleet.NoData), "/api/runs/r%201/jobs?code=k&state=no_data"},
		{f.With("state", ""), "/api/runs/r%201/jobs?code=k"},
		{f.Page(4), "/api/runs/r%201/jobs?code=k&page=4&state=failed"},
		{f.RunID(), "r 1"},
		{f.Link("runs", "a/b"), "/api/runs/a%2Fb?code=k"},
		{f.Sensor("a/b", "..", midnight, midnight), "/api/sensor?code=k&device=a%2Fb&from=2026-03-01T00%3A00%3A00Z&name=..&to=2026-03-01T00%3A00%3A00Z"},
		{f.Device("d", time.Time{}, time.Time{}), "/api/device?code=k&device=d"},
		{f.Job("r", "d", "s"), "/api/runs/r/job?code=k&device=d&name=s"},
		{f.Model("a/b.pkl"), "/api/model?code=k&name=a%2Fb.pkl"},
		{f.Filter("state", ""), "/api/runs/r%201/jobs?code=k"},
		{f.Query("range", "day", "fleet"), "/api/fleet?code=k&range=day"},
		{f.Span("d", "x", "y"), "/api/device?code=k&device=d&from=x&to=y"},
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

// TestSpansOf checks that of the spans offered only the present one is marked as chosen.
func TestSpansOf(t *testing.T) {
	t.Parallel()
	for length, want := range map[time.Duration]string{time.Hour: "1 hour", 6 * time.Hour: "6 hours", 7 * time.Hour: ""} {
		chosen := ""
		for _, s := range spansOf(midnight, midnight.Add(length)) {
			if s.Chosen {
				chosen += s.Text
			}
		}
		if chosen != want {
			t.Errorf("of %v %q is chosen, want %q", length, chosen, want)
		}
	}
}

// TestTrouble checks what is shown of a subject in trouble: its newest closed job, if that
// was not scored, and since when none was.
func TestTrouble(t *testing.T) {
	t.Parallel()
	job := func(hour int, name string, state fleet.JobState) runs.Job {
		from := midnight.Add(time.Duration(hour) * time.Hour)
		return runs.Job{Run: fleet.Window{From: from, To: from.Add(time.Hour)}.RunID(), JobKey: fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: name}}, State: state}
	}
	jobs := []runs.Job{job(9, "a", fleet.Queued), job(8, "a", fleet.NoData), job(8, "b", fleet.Scored), job(7, "b", fleet.BadModel), job(6, "a", fleet.BadModel), job(5, "a", fleet.Scored), job(4, "a", fleet.BadData)}
	if got := newTrouble("a", jobs); got == nil || got.Job.State != fleet.NoData || !got.Since.Equal(midnight.Add(6*time.Hour)) {
		t.Errorf("trouble of a: %+v", got)
	}
	for _, name := range []string{"b", "none"} {
		if got := newTrouble(name, jobs); got != nil {
			t.Errorf("trouble of %s: %+v", name, got)
		}
	}
}
