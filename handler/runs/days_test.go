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

// TestLanesOfDays: a month and a year are the days that the tick has summed, each in
// the column that it lies in, and what has changed since is told.
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
	sum() // all are open
	if l := show(runs.LanesRequest{Range: "month"}); l.Total != 0 || l.Behind != 0 {
		t.Errorf("%+v", l)
	}
	for _, r := range list.Runs {
		if err := api.Ender.End(t.Context(), api.Log, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if l := show(runs.LanesRequest{Range: "month"}); l.Total != 0 || l.Behind != 2 {
		t.Errorf("not summed yet: %+v", l)
	}
	sum()
	midnight := now.Truncate(fleet.Day)
	for span, c := range map[string]struct{ columns, last, before, length int }{"month": {31, 30, 10, 31}, "year": {52, 51, 49, 364}} {
		l := show(runs.LanesRequest{Range: span, Sort: "name"})
		if l.Behind != 0 || len(l.Columns) != c.columns || !l.To.Equal(midnight.Add(fleet.Day)) || !l.From.Equal(l.To.Add(-time.Duration(c.length)*fleet.Day)) {
			t.Fatalf("%s: %+v", span, l)
		}
		if l.Sum != (runs.Cell{Jobs: 9, Scored: 6, Failed: 2, Rows: 42, Anomalies: 7}) {
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
	if l := show(runs.LanesRequest{Range: "year"}); l.Behind != 1 || l.Sum.Jobs != 9 {
		t.Errorf("re-opened: %+v", l)
	}
	sum()
	if l := show(runs.LanesRequest{Range: "year"}); l.Behind != 0 || l.Sum.Jobs != 6 {
		t.Errorf("summed without what is open: %+v", l)
	}
}

// aYear is a ledger that has a year of days of a large fleet, and counts what it is asked.
type aYear struct {
	runs.Overview
	days  []fleet.DaySum
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
	return nil, nil
}

// TestYearOfManySensors: a year of 10,000 sensors takes two queries, of some bytes a
// device and day, and no sum of a run.
func TestYearOfManySensors(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	y := newYear(2500)
	api.Overview = y
	l, err := api.Lanes(t.Context(), runs.LanesRequest{Range: "year", To: now})
	if err != nil || l.Devices != 2500 || l.Total != 20 || l.Sum.Jobs != 364*2500*96 || len(l.Columns) != 52 {
		t.Fatalf("%d devices in %d lanes and %d columns, %+v, %v", l.Devices, l.Total, len(l.Columns), l.Sum, err)
	}
	if !slices.Equal(y.asked, []string{"stale days", "days"}) {
		t.Errorf("asked for %v", y.asked)
	}
	if size := len(y.days[0].Devices); size > 25*2500 {
		t.Errorf("a day takes %d bytes", size)
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
