package schedule

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// expiring is a ledger that counts what is deleted of its readings, page by page.
type expiring struct {
	Ledger
	hour    time.Time
	asked   []time.Time
	deleted []int64
	ended   []string
}

func (e *expiring) Watermark(context.Context) (time.Time, bool, error) { return e.hour, true, nil }

func (e *expiring) MaxLookback(context.Context) (time.Duration, error) { return 2 * time.Hour, nil }

func (e *expiring) WindowsBefore(_ context.Context, t time.Time) ([]fleet.Window, error) {
	e.asked = append(e.asked, t)
	return nil, nil
}

func (e *expiring) DeleteReadings(_ context.Context, _ fleet.Window, first int64, _ int) (int64, int64, error) {
	e.deleted = append(e.deleted, first)
	return 10, []int64{7, 0}[min(first, 1)], nil
}

func (e *expiring) RunsToEnd(context.Context) ([]string, error) { return []string{"a", "b"}, nil }

func (e *expiring) End(_ context.Context, _ *slog.Logger, run string) error {
	e.ended = append(e.ended, run)
	return errors.New(run)
}

// TestDeleteReadings: all pages are deleted, of what no window needs that begins as
// long after the hour as rows look back; and each hour once.
func TestDeleteReadings(t *testing.T) {
	t.Parallel()
	hour := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := &expiring{hour: hour.Add(5 * time.Hour)}
	ticker := &Ticker{Ledger: e}
	for range 2 {
		if _, err := ticker.deleteReadings(t.Context(), hour); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(e.asked, []time.Time{hour.Add(2 * time.Hour)}) || !slices.Equal(e.deleted, []int64{0, 7}) {
		t.Errorf("asked for windows before %v, deleted from %v", e.asked, e.deleted)
	}
	// Where the schedule is behind, readings stay that the windows to come look back at.
	behind := &expiring{hour: hour.Add(time.Hour)}
	if n, err := (&Ticker{Ledger: behind}).deleteReadings(t.Context(), hour); err != nil || n != 20 || !slices.Equal(behind.asked, []time.Time{hour.Add(time.Hour)}) {
		t.Errorf("%d deleted, %v; asked for windows before %v", n, err, behind.asked)
	}
}

// TestEndGoesOn: a run that cannot be ended holds up no other.
func TestEndGoesOn(t *testing.T) {
	t.Parallel()
	e := &expiring{}
	err := (&Ticker{Ledger: e, Ender: e}).end(t.Context(), slog.New(slog.DiscardHandler))
	if err == nil || err.Error() != "a\nb" || !slices.Equal(e.ended, []string{"a", "b"}) {
		t.Errorf("%v, ended %v", err, e.ended)
	}
}

// TestGaps: readings are kept that any of the windows needs, however these lie in
// one another.
func TestGaps(t *testing.T) {
	t.Parallel()
	begin := fleet.MinMillis.Time()
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	over := func(from, to int) fleet.Window { return fleet.Window{From: at(from), To: at(to)} }
	until := func(to int) fleet.Window { return fleet.Window{From: begin, To: at(to)} }
	for _, c := range []struct {
		windows  []fleet.Window
		lookback int
		want     []fleet.Window
	}{
		{nil, 0, []fleet.Window{until(20)}},
		{nil, 5, []fleet.Window{until(20)}},
		{[]fleet.Window{over(5, 6)}, 0, []fleet.Window{until(5), over(6, 20)}},
		{[]fleet.Window{over(5, 6)}, 2, []fleet.Window{until(3), over(6, 20)}},
		{[]fleet.Window{over(5, 6), over(6, 7)}, 0, []fleet.Window{until(5), over(7, 20)}},
		{[]fleet.Window{over(5, 6), over(9, 10)}, 2, []fleet.Window{until(3), over(6, 7), over(10, 20)}},
		{[]fleet.Window{over(5, 6), over(9, 10)}, 3, []fleet.Window{until(2), over(10, 20)}},
		{[]fleet.Window{over(5, 15), over(7, 8)}, 0, []fleet.Window{until(5), over(15, 20)}},
		{[]fleet.Window{over(5, 15), over(7, 8), over(16, 17)}, 0, []fleet.Window{until(5), over(15, 16), over(17, 20)}},
		{[]fleet.Window{over(18, 22)}, 0, []fleet.Window{until(18)}},
	} {
		if got := gaps(c.windows, time.Duration(c.lookback)*time.Hour, at(20)); !slices.Equal(got, c.want) {
			t.Errorf("%v, looking back %d hours: %v, want %v", c.windows, c.lookback, got, c.want)
		}
	}
}
