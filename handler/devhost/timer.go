package devhost

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
)

// timer calls a function with a timerTrigger. Its runs never overlap. A failed run is not
// repeated, unless the function has a retry policy.
type timer struct {
	fn       *function
	schedule ncrontab.Schedule
	monitor  *azure.HostBlobs // stores the status; nil: it is not stored
	blob     string           // the name of the blob with the status
	status   *scheduleStatus  // nil without monitor
	execute  func(context.Context, *call) error
	log      *logger
}

// scheduleStatus is the status of a timer, in UTC: its last and next run, and when the status was
// written.
type scheduleStatus struct{ Last, Next, LastUpdated time.Time }

const hostContainer = "azure-webjobs-hosts"

// newTimer parses the schedule, an NCRONTAB expression.
func newTimer(fn *function, hostID string, blobs *azure.HostBlobs, execute func(context.Context, *call) error, log *logger) (*timer, error) {
	schedule, err := ncrontab.Parse(fn.trigger.Schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	t := &timer{fn: fn, schedule: schedule, execute: execute, log: log, blob: "timers/" + hostID + "/Host.Functions." + fn.name + "/status"}
	if !t.subMinute(time.Now()) {
		t.monitor = blobs
	}
	return t, nil
}

// subMinute reports whether two of the next occurrences are less than a minute apart. Then the
// host does not store the status.
func (t *timer) subMinute(now time.Time) bool {
	at := t.schedule.Next(now)
	for range 4 {
		next := t.schedule.Next(at)
		if next.Sub(at) < time.Minute {
			return true
		}
		at = next
	}
	return false
}

// run calls the function at each occurrence until ctx ends.
func (t *timer) run(ctx context.Context) {
	now := ticks(time.Now())
	due := time.Time{} // an occurrence that was missed; zero if none was
	if t.monitor != nil {
		var err error
		if due, err = t.checkPastDue(ctx, now); err != nil {
			t.log.log(slog.LevelError, "Host.Triggers.Timer", err.Error(), "function", t.fn.name)
			t.status = &scheduleStatus{Next: t.schedule.Next(now)}
		}
	}
	if !due.IsZero() {
		t.fire(ctx, now, true, "UnscheduledInvocationReason: IsPastDue, OriginalSchedule: "+due.Format(offsetTime))
	}
	for base := now; ; {
		next := t.schedule.Next(base)
		if next.IsZero() {
			return // there is no further occurrence
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		if base = ticks(time.Now()); base.Before(next) {
			base = next
		}
		t.fire(ctx, base, false, "")
	}
}

// fire runs the function once. At is the occurrence.
func (t *timer) fire(ctx context.Context, at time.Time, pastDue bool, detail string) {
	_ = t.execute(ctx, t.call(at, pastDue, detail)) // a failure is logged and changes nothing here
	if t.monitor == nil || ctx.Err() != nil {
		return
	}
	t.status = &scheduleStatus{Last: at, Next: t.schedule.Next(at), LastUpdated: at}
	if err := t.save(ctx); err != nil {
		t.log.log(slog.LevelError, "Host.Triggers.Timer", err.Error(), "function", t.fn.name)
	}
}

func (t *timer) call(at time.Time, pastDue bool, detail string) *call {
	return &call{
		fn:     t.fn,
		reason: "Timer fired at " + at.Format(offsetTime),
		detail: detail,
		data: map[string]any{
			"Schedule": map[string]bool{"AdjustForDST": true}, "ScheduleStatus": t.status, "IsPastDue": pastDue,
		},
	}
}

// checkPastDue reads the status that the last host left, or writes a first one. It
// returns the occurrence that was missed while no host ran, if there is one. If the
// schedule has changed since, none was missed.
func (t *timer) checkPastDue(ctx context.Context, now time.Time) (missed time.Time, err error) {
	data, _, ok, err := t.monitor.Get(ctx, hostContainer, t.blob)
	if err != nil {
		return missed, err
	}
	t.status = &scheduleStatus{}
	if !ok || json.Unmarshal(data, t.status) != nil {
		stored := scheduleStatus{Next: t.schedule.Next(now), LastUpdated: now}
		t.status = &stored
		err := t.save(ctx)
		t.status = &scheduleStatus{Next: stored.Next} // the handler gets this status until its first run
		return missed, err
	}
	from := t.status.Last
	if from.Year() == 1 {
		from = t.status.LastUpdated
	}
	if expected := t.schedule.Next(from); from.Year() != 1 && !t.status.Next.Equal(expected) {
		if now.After(expected) {
			expected, from = t.schedule.Next(now), now
		}
		t.status = &scheduleStatus{Next: expected, LastUpdated: from}
		return missed, t.save(ctx)
	}
	if now.After(t.status.Next) {
		return t.status.Next, nil
	}
	return missed, nil
}

func (t *timer) save(ctx context.Context) error {
	return t.monitor.Put(ctx, hostContainer, t.blob, []byte(jsonText(t.status)), nil)
}

// MarshalJSON writes the status as the host does.
func (s *scheduleStatus) MarshalJSON() ([]byte, error) {
	f := func(t time.Time) string { return t.UTC().Format(offsetTime) }
	return fmt.Appendf(nil, `{"Last":"%s","Next":"%s","LastUpdated":"%s"}`, f(s.Last), f(s.Next), f(s.LastUpdated)), nil
}

// ticks returns t in UTC, rounded down to 100 ns, which is .NET's precision.
func ticks(t time.Time) time.Time { return t.UTC().Truncate(100 * time.Nanosecond) }
