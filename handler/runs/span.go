package runs

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// span is a length of time that [API.Lanes] can show, and the least width of its columns.
type span struct{ length, column time.Duration }

// days reports whether the span consists of whole days. The tick has summed these, because a month
// of hourly runs over 10,000 sensors has seven million jobs.
func (s span) days() bool { return s.column >= fleet.Day }

var spans = map[string]span{
	"hour":  {time.Hour, time.Second},
	"day":   {fleet.Day, time.Minute},
	"week":  {7 * fleet.Day, 3 * time.Hour},
	"month": {31 * fleet.Day, fleet.Day},
	"year":  {52 * 7 * fleet.Day, 7 * fleet.Day},
}

// end returns the end of a span: the one asked for, or else the end of the newest run's window.
// So the default span has data even if the newest readings are old.
func (a *API) end(ctx context.Context, asked time.Time) (time.Time, error) {
	if !asked.IsZero() {
		return asked.UTC().Truncate(time.Second), nil
	}
	last, err := a.Ledger.Runs(ctx, "", 1)
	if err != nil {
		return time.Time{}, err
	}
	if len(last) == 1 {
		return last[0].Window.To, nil
	}
	return a.Now().UTC().Truncate(time.Second), nil
}

// mostSpan is the longest span that may be asked for.
const mostSpan = 366 * 24 * time.Hour

// span returns the span from one time to another, in whole seconds. The default of to is that of
// [API.end]. The default length is that of [API.defaultRange]. The error wraps
// [fleet.ErrInvalid].
func (a *API) span(ctx context.Context, from, to time.Time) (fleet.Window, error) {
	end, err := a.end(ctx, to)
	if err != nil {
		return fleet.Window{}, err
	}
	begin := from.UTC().Truncate(time.Second)
	if from.IsZero() {
		usual, err := a.defaultRange(ctx, end)
		if err != nil {
			return fleet.Window{}, err
		}
		begin = end.Add(-spans[usual].length)
	}
	w, err := fleet.NewWindow(begin, end)
	if err != nil {
		return fleet.Window{}, err
	}
	if end.Sub(begin) > mostSpan {
		return fleet.Window{}, fmt.Errorf("%w: from %s to %s is more than a year", fleet.ErrInvalid, begin.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	return w, nil
}

// defaultRange returns the default range before a time: a day, or an hour if all runs of the day
// are in the hour.
func (a *API) defaultRange(ctx context.Context, to time.Time) (string, error) {
	day, hour := to.Add(-spans["day"].length), to.Add(-spans["hour"].length)
	if none, err := a.Overview.RunsWithin(ctx, fleet.Window{From: day, To: hour}, 1); err != nil || len(none) > 0 {
		return "day", err
	}
	some, err := a.Overview.RunsWithin(ctx, fleet.Window{From: hour, To: to}, 1)
	if err != nil || len(some) == 0 {
		return "day", err
	}
	return "hour", nil
}

// covered reports whether a run was requested, and scheduled runs cover a part of its window.
func covered(r fleet.Run) bool { return r.Covered }

// shortest returns the length of the shortest window. Without runs it is the longest duration.
func shortest(runs []fleet.Run) time.Duration {
	width := time.Duration(math.MaxInt64)
	for _, r := range runs {
		width = min(width, r.Window.To.Sub(r.Window.From))
	}
	return width
}

// columnWidth returns the width of a column: the length of the shortest window, or the least
// multiple of it that is at least s.column and gives at most [mostColumns] columns. If the span
// consists of days, it is whole days.
func columnWidth(s span, shortest time.Duration) time.Duration {
	width := min(s.length, shortest)
	if s.days() {
		width = max(width.Truncate(fleet.Day), fleet.Day)
	}
	if least := max(s.column, s.length/mostColumns); width < least {
		width *= (least + width - 1) / width
	}
	return width.Round(time.Second)
}

// site returns the group of a device: its name up to the next slash or colon after the prefix. If
// there is none, it is the name without the digits at its end.
func site(device, prefix string) string {
	if i := strings.IndexAny(device[len(prefix):], "/:"); i >= 0 {
		return device[:len(prefix)+i+1]
	}
	if short := strings.TrimRight(device, "0123456789"); len(short) > len(prefix) {
		return short
	}
	return device
}
