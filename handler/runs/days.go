package runs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// DayLedger is what [Days] reads and writes in SQL.
type DayLedger interface {
	// StaleDays returns the days in w whose runs have changed since they were summed, the
	// newest first. Each has the present stamp of its runs.
	StaleDays(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error)
	// RunsWithin returns runs whose windows meet w, the newest window first.
	RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	RunSums
	// SetDay stores the sum of a day, or deletes it if the day has no runs.
	SetDay(ctx context.Context, d fleet.DaySum) error
	// DeleteDays deletes the sums of the days before a time.
	DeleteDays(ctx context.Context, before time.Time) error
}

// Days stores the sums of days. [API.Lanes] shows a month and a year from them.
type Days struct {
	Ledger DayLedger
	Now    func() time.Time
}

// daysKept is how long the sums of days are kept. It is longer than a year, so that the year
// before a day of last month can be shown too.
const daysKept = 400 * fleet.Day

// Sum sums the days whose runs have changed, the newest first, and deletes the sums of old days.
// If ctx ends before that is done, the next call does the rest.
func (d *Days) Sum(ctx context.Context) error {
	end := d.Now().UTC().Truncate(fleet.Day).Add(2 * fleet.Day) // this machine's clock may be slow
	w := fleet.Window{From: end.Add(-daysKept), To: end}
	stale, err := d.Ledger.StaleDays(ctx, w)
	if err != nil {
		return err
	}
	for _, day := range stale {
		if err := sumDay(ctx, d.Ledger, &day); err != nil {
			return err
		}
		if err := d.Ledger.SetDay(ctx, day); err != nil {
			return err
		}
	}
	return d.Ledger.DeleteDays(ctx, w.From)
}

// dayRuns reads the runs of a day and their sums.
type dayRuns interface {
	RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	RunSums
}

// sumDay sets the sums of a day's runs that have ended. If a run changes meanwhile, the stamp of
// its day changes too, and the day will be summed again.
func sumDay(ctx context.Context, from dayRuns, day *fleet.DaySum) error {
	w := fleet.Window{From: day.Day, To: day.Day.Add(fleet.Day)}
	runs, err := from.RunsWithin(ctx, w, mostRuns)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(runs, func(r fleet.Run) bool {
		return r.Covered || r.State.Open() || r.Window.From.Before(w.From)
	})
	devices := map[string]fleet.DeviceSum{}
	err = eachSum(ctx, from, own, func(_ fleet.Run, sums fleet.PackedSums) error {
		return sums.Each(func(device []byte, s fleet.DeviceSum) {
			t, ok := devices[string(device)]
			if t.Add(s); !ok {
				t.Device = string(device)
			}
			devices[t.Device] = t
		})
	})
	if err != nil {
		return fmt.Errorf("sums of the runs of %s: %w", day.Day.Format(time.DateOnly), err)
	}
	day.Shortest = min(shortest(own), 366*fleet.Day)
	day.Devices = fleet.PackSums(slices.Collect(maps.Values(devices)))
	return nil
}
