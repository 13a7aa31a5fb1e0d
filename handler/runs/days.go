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
	// StaleDays returns the days in w, the newest first, whose sums are not of the
	// runs that there are now, with the stamps of these.
	StaleDays(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error)
	// RunsWithin returns runs whose windows meet w, that of the newest window first.
	RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	RunSums
	// SetDay writes the sum of a day, or deletes it if it is of no runs.
	SetDay(ctx context.Context, d fleet.DaySum) error
	// DeleteDays deletes the sums of the days before a time.
	DeleteDays(ctx context.Context, before time.Time) error
}

// Days keeps the sums of days, which [API.Lanes] shows a month and a year of.
type Days struct {
	Ledger DayLedger
	Now    func() time.Time
}

// daysKept is how long the sums of days are kept: a year, and some more to look back from.
const daysKept = 400 * fleet.Day

// Sum sums anew the days whose runs have changed, the newest first, and deletes the
// sums of days that are too old. What ctx ends before its end, the next call goes on
// with.
func (d *Days) Sum(ctx context.Context) error {
	end := d.Now().UTC().Truncate(fleet.Day).Add(2 * fleet.Day) // a requested run may lie in the future, or a clock be late
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

// dayRuns are the runs of a day and what they came to.
type dayRuns interface {
	RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	RunSums
}

// sumDay fills in what the runs of a day came to that its stamp is of. Should one
// change meanwhile, the day's stamp is no longer that of its runs, and it is summed
// again.
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
