package runs_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// TestLanesOfDays checks that a month and a year are made of days, each in its column. A
// day counts as the tick has summed it. If the tick has yet to sum it, or a run of it is
// open, it counts as its jobs stand.
func TestLanesOfDays(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	days := &runs.Days{Ledger: db, Now: api.Now}
	for i, device := range []map[string]fleet.Outcome{{"1": fine(10, 1), "2": fine(10, 5)}, {"1": {Result: fleet.Failed}, "2": fine(10, 0)}, {"1": fine(1, 0), "2": {Result: fleet.NoData}}} {
		scored(t, db, []int{-1, -11, -24 * 20}[i], device)
	}
	list, err := api.List(t.Context(), runs.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	show := func(req runs.LanesRequest) runs.Lanes {
		t.Helper()
		l, err := api.Lanes(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	sum := func() {
		t.Helper()
		if err := days.Sum(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := runs.Cell{Jobs: 9, Scored: 6, Failed: 2, Rows: 42, Anomalies: 7}
	stands := func(what string, want runs.Cell) {
		t.Helper()
		for _, span := range []string{"month", "year"} {
			if l := show(runs.LanesRequest{Range: span}); l.Sum != want || l.Behind != 0 || l.Left {
				t.Errorf("%s: %s: %+v, want %+v; %d behind", what, span, l.Sum, want, l.Behind)
			}
		}
	}
	stands("all are open", all)
	sum()
	stands("all are open, and the tick has been", all)
	for _, r := range list.Runs {
		if err := api.Ender.End(t.Context(), api.Log, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	stands("not summed yet", all)
	sum()
	midnight := now.Truncate(fleet.Day)
	for span, c := range map[string]struct{ columns, last, before, length int }{"month": {31, 30, 10, 31}, "year": {52, 51, 49, 364}} {
		l := show(runs.LanesRequest{Range: span, Sort: "name"})
		if l.Behind != 0 || len(l.Columns) != c.columns || !l.To.Equal(midnight.Add(fleet.Day)) || !l.From.Equal(l.To.Add(-time.Duration(c.length)*fleet.Day)) {
			t.Fatalf("%s: %+v", span, l)
		}
		if l.Sum != all {
			t.Errorf("%s: sum %+v", span, l.Sum)
		}
		for i, cell := range l.Lanes[0].Cells {
			want := map[int]runs.Cell{c.last: {Jobs: 4, Scored: 2, Failed: 2, Rows: 20, Anomalies: 2}, c.before: {Jobs: 2, Scored: 2, Rows: 2}}[i]
			if cell != want {
				t.Errorf("%s: column %d: %+v, want %+v", span, i, cell, want)
			}
		}
		if one := show(runs.LanesRequest{Range: span, Prefix: "2"}); one.Total != 1 || one.Sum.Jobs != 3 {
			t.Errorf("%s of one device: %+v", span, one)
		}
	}
	if l := show(runs.LanesRequest{Range: "month", To: midnight}); l.Sum.Jobs != 3 || !l.To.Equal(midnight) {
		t.Errorf("until midnight: %+v", l)
	}
	if _, err := api.Rescore(t.Context(), runs.RescoreRequest{ID: list.Runs[0].ID, Sensors: "2/*"}); err != nil {
		t.Fatal(err)
	}
	again := runs.Cell{Jobs: 9, Queued: 1, Scored: 5, Failed: 2, Rows: 32, Anomalies: 2}
	stands("re-opened", again)
	sum()
	stands("re-opened, and the tick has been", again)
}

// TestMonthCountsWindowsOnce has a requested run over the same time as a scheduled one. The
// requested run does not count, though its window begins on the day before, which was
// summed before the scheduled run was opened.
func TestMonthCountsWindowsOnce(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	days := &runs.Days{Ledger: db, Now: api.Now}
	midnight := now.Truncate(fleet.Day)
	sum := func(what string, want int) {
		t.Helper()
		for range 2 { // as it stands, and as the tick has summed it
			if l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "month", To: now}); err != nil || l.Sum.Jobs != want {
				t.Errorf("%s: %d jobs, %v, want %d", what, l.Sum.Jobs, err, want)
			}
			if err := days.Sum(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	end := func() {
		t.Helper()
		open, err := db.OpenWithin(t.Context(), fleet.Window{From: midnight.AddDate(0, 0, -9), To: now}, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range open {
			if err := db.Cancel(t.Context(), r.ID, now); err != nil {
				t.Fatal(err)
			}
			if err := api.Ender.End(t.Context(), api.Log, r.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := db.OpenRequested(t.Context(), fleet.Window{From: midnight.Add(-time.Hour), To: midnight.Add(time.Hour)}, nil, fleet.Settings{}, now); err != nil {
		t.Fatal(err)
	}
	sum("one is requested", 3)
	end()
	sum("it has ended", 3)
	if err := db.InitWatermark(t.Context(), midnight); err != nil {
		t.Fatal(err)
	}
	if _, err := db.OpenScheduled(t.Context(), fleet.Window{From: midnight, To: midnight.Add(time.Hour)}, fleet.Settings{}, now, 9); err != nil {
		t.Fatal(err)
	}
	sum("one is scheduled", 3)
	end()
	sum("both have ended", 3)
	if l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "month", To: midnight}); err != nil || l.Sum.Jobs != 0 {
		t.Errorf("the day before: %+v, %v", l, err)
	}
}

// aYear is a ledger that has a year of days of a large fleet, and counts what it is asked.
type aYear struct {
	runs.Overview
	days  []fleet.DaySum
	stale []fleet.DaySum
	asked []string
}

func newYear(devices int) *aYear {
	y := &aYear{}
	sums := make([]fleet.DeviceSum, devices)
	for i := range sums {
		sums[i] = fleet.DeviceSum{Device: fmt.Sprintf("site-%02d/line-%d/pump-%04d", i%20, i%7, i), Jobs: 96, Scored: 90, Failed: i % 3, Rows: 5400, Anomalies: i % 60}
	}
	packed := fleet.PackSums(sums)
	for day := now.Truncate(fleet.Day).AddDate(0, 0, -363); !day.After(now); day = day.AddDate(0, 0, 1) {
		y.days = append(y.days, fleet.DaySum{Day: day, DayStamp: fleet.DayStamp{Runs: 24}, Shortest: time.Hour, Devices: packed})
	}
	return y
}

func (y *aYear) Days(context.Context, fleet.Window) ([]fleet.DaySum, error) {
	y.asked = append(y.asked, "days")
	return y.days, nil
}

func (y *aYear) StaleDays(context.Context, fleet.Window) ([]fleet.DaySum, error) {
	y.asked = append(y.asked, "stale days")
	return y.stale, nil
}

func (y *aYear) OpenWithin(context.Context, fleet.Window, int) ([]fleet.Run, error) {
	y.asked = append(y.asked, "open runs")
	return nil, nil
}

// RunsWithin returns a run an hour; none has a sum.
func (y *aYear) RunsWithin(_ context.Context, w fleet.Window, _ int) ([]fleet.Run, error) {
	y.asked = append(y.asked, "runs")
	var all []fleet.Run
	for from := w.From; from.Before(w.To); from = from.Add(time.Hour) {
		all = append(all, fleet.Run{ID: from.String(), State: fleet.RunSucceeded, Window: fleet.Window{From: from, To: from.Add(time.Hour)}})
	}
	return all, nil
}

func (y *aYear) RunSums(_ context.Context, runs []string) (map[string]fleet.PackedSums, error) {
	sums := map[string]fleet.PackedSums{}
	for _, id := range runs {
		sums[id] = fleet.PackSums([]fleet.DeviceSum{{Device: "new", Jobs: 1}})
	}
	return sums, nil
}

// TestYearOfManySensors checks that a year of 10,000 sensors takes three queries, a few
// bytes for each device and day, and no sum of a run.
func TestYearOfManySensors(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	y := newYear(2500)
	api.Overview = y
	l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "year", To: now})
	if err != nil || l.Devices != 2500 || l.Total != 20 || l.Sum.Jobs != 364*2500*96 || len(l.Columns) != 52 {
		t.Fatalf("%d devices in %d lanes and %d columns, %+v, %v", l.Devices, l.Total, len(l.Columns), l.Sum, err)
	}
	if !slices.Equal(y.asked, []string{"stale days", "days", "open runs"}) {
		t.Errorf("asked for %v", y.asked)
	}
	if size := len(y.days[0].Devices); size > 25*2500 {
		t.Errorf("a day takes %d bytes", size)
	}
}

// TestManyStaleDays has more runs changed than one answer sums. The newest days are summed,
// and the answer says how many are not.
func TestManyStaleDays(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	y := newYear(1)
	for _, d := range slices.Backward(y.days) {
		y.stale = append(y.stale, d)
	}
	api.Overview = y
	l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "year", To: now, Sort: "name"})
	if err != nil || l.Behind != 364-62 || len(l.Lanes) != 2 { // 62 days of 24 runs are 1,488
		t.Fatalf("%d days are behind, %d lanes, %v", l.Behind, len(l.Lanes), err)
	}
	if old, fresh := l.Lanes[1].Sum.Jobs, l.Lanes[0].Sum.Jobs; l.Lanes[0].Name != "new" || old != 96*(364-62) || fresh != 24*62 {
		t.Errorf("%d jobs as they were summed, %d as they are", old, fresh)
	}
}

// BenchmarkYear shows a year of 2,500 devices with four sensors each, from the sums of days.
func BenchmarkYear(b *testing.B) {
	api := &runs.API{Overview: newYear(2500)}
	for b.Loop() {
		if _, err := api.Lanes(b.Context(), runs.LanesRequest{Range: "year", To: now}); err != nil {
			b.Fatal(err)
		}
	}
}
