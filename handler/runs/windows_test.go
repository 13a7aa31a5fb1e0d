package runs_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
)

// TestWindows tells which windows lack a run, and why.
func TestWindows(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	hourly, err := ncrontab.Parse("0 0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	api.Schedule, api.Delay = hourly, time.Minute
	hour := func(i int) time.Time { return now.Add(time.Duration(i) * time.Hour) }
	statuses := func(from, to time.Time, limit int) (all []string) {
		t.Helper()
		for req := (runs.WindowsRequest{From: from, To: to, Limit: limit}); ; {
			list, err := api.Windows(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range list.Windows {
				if !w.Due.Equal(w.To.Add(time.Minute)) || w.To.Sub(w.From) != time.Hour {
					t.Errorf("%+v", w)
				}
				all = append(all, fmt.Sprint(int(w.From.Sub(now)/time.Hour), " ", w.Status))
			}
			if req.From = list.Next; req.From.IsZero() {
				return all
			}
		}
	}
	if got, want := statuses(hour(-2), hour(1), 0), []string{"-2 missing", "-1 missing", "0 to_come"}; !slices.Equal(got, want) {
		t.Errorf("before the first tick: %v, want %v", got, want)
	}
	scored(t, db, -6, nil) // a requested run
	if err := db.InitWatermark(t.Context(), hour(-4)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.OpenScheduled(t.Context(), fleet.Window{From: hour(-4), To: hour(-2)}, fleet.Settings{}, now, 24); err != nil { // under an earlier schedule
		t.Fatal(err)
	}
	if _, err := db.OpenScheduled(t.Context(), fleet.Window{From: hour(-2), To: hour(-1)}, fleet.Settings{}, now, 24); err != nil {
		t.Fatal(err)
	}
	api.Retention = 7*time.Hour + time.Minute
	want := []string{"-8 expired", "-7 missing", "-6 run", "-5 missing", "-4 covered", "-3 covered", "-2 run", "-1 to_come"}
	for _, limit := range []int{0, 1, 3} {
		if got := statuses(hour(-9).Add(time.Second), hour(1).Add(-time.Second), limit); !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", limit, got, want)
		}
	}
	if got := statuses(hour(-1).Add(time.Minute), hour(0).Add(time.Minute), 0); len(got) != 0 {
		t.Errorf("no whole window: %v", got)
	}
	for _, req := range []runs.WindowsRequest{{}, {From: now}, {From: now, To: now}, {From: hour(-1), To: now, Limit: 1001}, {From: now.AddDate(-2, 0, 0), To: now}} {
		if _, err := api.Windows(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

// TestRequestSomeSensors opens a run of the sensors that match.
func TestRequestSomeSensors(t *testing.T) {
	t.Parallel()
	api, _, _ := newAPI(t)
	req := hour
	req.Sensors = "*/1"
	run, err := api.Request(t.Context(), req)
	if err != nil || run.Progress.Jobs != 2 || run.Epochs[0].Jobs != 2 {
		t.Errorf("%+v, %v", run, err)
	}
}
