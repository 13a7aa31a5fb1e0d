package schedule

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// expiring is a ledger that counts what is deleted of its readings, page by page.
type expiring struct {
	Ledger
	hour    time.Time
	asked   []time.Time
	deleted []int64
	faults  []time.Time
	ended   []string
	expired []string
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

func (e *expiring) DeleteFaults(_ context.Context, before time.Time) error {
	e.faults = append(e.faults, before)
	return nil
}

func (e *expiring) RunsToEnd(context.Context) ([]string, error) { return []string{"a", "b"}, nil }

func (e *expiring) End(_ context.Context, _ *slog.Logger, run string) error {
	e.ended = append(e.ended, run)
	return errors.New(run)
}

// TestDeleteReadings checks that readings are deleted page by page, once an hour. Those
// stay that a window needs which begins after the hour and looks back before it.
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
		t.Errorf("asked for windows before %v, deleted from %v; want once, two hours after the hour, and from 0 and 7", e.asked, e.deleted)
	}
	if !slices.Equal(e.faults, []time.Time{hour}) {
		t.Errorf("faults before %v were deleted, want those before %v", e.faults, hour)
	}
	// Where the schedule is behind, readings stay that the windows to come look back at.
	behind := &expiring{hour: hour.Add(time.Hour)}
	if n, err := (&Ticker{Ledger: behind}).deleteReadings(t.Context(), hour); err != nil || n != 20 || !slices.Equal(behind.asked, []time.Time{hour.Add(time.Hour)}) {
		t.Errorf("%d deleted, %v, asked for windows before %v; want 20, before the watermark", n, err, behind.asked)
	}
}

// manyLost is a ledger with a full page of lost jobs, and then some more, and with a
// run that takes three transactions to delete.
type manyLost struct {
	Ledger
	lost      int
	sent      int
	deletions int
	err       error
}

func (m *manyLost) ApproximateCount(context.Context) (int, error) { return 0, nil }

func (m *manyLost) Lost(_ context.Context, _ time.Time, _ time.Duration, limit int) ([]fleet.Job, error) {
	jobs := make([]fleet.Job, min(m.lost-m.sent, limit))
	for i := range jobs {
		jobs[i].Run = "r"
	}
	return jobs, nil
}

func (m *manyLost) Send(context.Context, string) (int, error) { return 0, nil }

func (m *manyLost) SendAlone(_ context.Context, _ string, jobs ...fleet.JobKey) error {
	m.sent += len(jobs)
	return nil
}

func (m *manyLost) DeleteRun(context.Context, string, time.Time, int) (bool, error) {
	m.deletions++
	return m.deletions == 3, m.err
}

func (e *expiring) ExpiredRuns(context.Context, time.Time, int) ([]string, error) {
	return e.expired, nil
}

func (e *expiring) DeleteRun(context.Context, string, time.Time, int) (bool, error) {
	return true, nil
}

// TestRetentionIsTold checks that what was deleted is logged, and that nothing is logged if
// nothing was.
func TestRetentionIsTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		expired []string
		cleared time.Time
		want    string
	}{
		{nil, now, ""},
		{nil, time.Time{}, "msg=retention runs=0 readings=20 "},
		{[]string{"r"}, now, "msg=retention runs=1 readings=0 "},
		{[]string{"r"}, time.Time{}, "msg=retention runs=1 readings=20 "},
	} {
		var log bytes.Buffer
		ticker := &Ticker{Ledger: &expiring{hour: now, expired: c.expired}, Files: &blob.Memory{}, Retention: 24 * time.Hour, Now: func() time.Time { return now }, cleared: c.cleared}
		err := ticker.retain(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
		if got := log.String(); err != nil || !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("runs %v, readings cleared until %v: %v, logged %q; want %q", c.expired, c.cleared, err, got, c.want)
		}
	}
}

// TestPages checks that all lost jobs are sent again, beyond the first page, and that all
// of a run is deleted, beyond the first transaction.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{999, 1000, 1001} {
		m := &manyLost{lost: lost}
		if err := (&Ticker{Ledger: m, Queue: m, Sender: m, Now: time.Now}).resend(t.Context(), slog.New(slog.DiscardHandler)); err != nil || m.sent != lost {
			t.Errorf("%d jobs sent again, %v; want %d", m.sent, err, lost)
		}
	}
	m := &manyLost{}
	ticker := &Ticker{Ledger: m, Files: &blob.Memory{}}
	if err := ticker.deleteRun(t.Context(), "r", time.Time{}); err != nil || m.deletions != 3 {
		t.Errorf("deleted in %d transactions, %v; want 3", m.deletions, err)
	}
	m.deletions, m.err = 0, errors.New("no")
	if err := ticker.deleteRun(t.Context(), "r", time.Time{}); !errors.Is(err, m.err) || m.deletions != 1 {
		t.Errorf("after an error: %d transactions, %v; want one, and the error", m.deletions, err)
	}
}

// TestEndGoesOn checks that a run that cannot be ended does not keep others from being
// ended.
func TestEndGoesOn(t *testing.T) {
	t.Parallel()
	e := &expiring{}
	err := (&Ticker{Ledger: e, Ender: e}).end(t.Context(), slog.New(slog.DiscardHandler))
	if err == nil || err.Error() != "a\nb" || !slices.Equal(e.ended, []string{"a", "b"}) {
		t.Errorf("got %v, and tried to end %v; want the errors of a and b", err, e.ended)
	}
}

// TestGaps checks that readings are kept that any window needs, however windows lie to one
// another.
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
