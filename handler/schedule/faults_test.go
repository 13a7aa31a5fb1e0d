package schedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// TestLostBesideAFullQueue has messages in the queue. Then a job is sent again when its own
// message is over six hours old.
func TestLostBesideAFullQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.after(0)
	f.after(31 * time.Minute)
	f.Delay = 1000 * days // no more runs
	f.queue.full = 1
	for _, c := range []struct {
		after time.Duration
		sent  int
	}{{6 * time.Hour, 1}, {time.Minute, 2}} {
		if f.after(c.after); len(f.queue.sent) != c.sent {
			t.Errorf("%v later: %d messages in all, want %d", c.after, len(f.queue.sent), c.sent)
		}
	}
}

// TestLateOfManyWindows re-opens all of them in one tick.
func TestLateOfManyWindows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.after(0)
	f.after(150*time.Minute + time.Minute) // three windows
	runs := f.runs()
	for _, r := range runs {
		f.insert(r.Window.From.Add(time.Second))
	}
	f.after(0)
	for _, r := range f.runs() {
		if r.Epoch != 1 || len(runs) != 3 {
			t.Errorf("%s is at epoch %d of %d runs, want epoch 1 of 3 runs", r.ID, r.Epoch, len(runs))
		}
	}
}

// deadlines is a sender and ender that notes how long it may take.
type deadlines struct{ sending, ending time.Duration }

func (d *deadlines) Send(ctx context.Context, _ string) (int, error) {
	d.sending = left(ctx)
	return 0, nil
}

func (d *deadlines) SendAlone(context.Context, string, ...fleet.JobKey) error { return nil }

func (d *deadlines) End(ctx context.Context, _ *slog.Logger, _ string) error {
	d.ending = left(ctx)
	return nil
}

// left returns how long ctx lives still, -1 if for ever.
func left(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return -1
	}
	return time.Until(end)
}

// TestStepsHaveLimits checks that each step has a time limit, so that the steps after it
// have time.
func TestStepsHaveLimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 0) // a run without jobs can end
	d := &deadlines{}
	f.after(0)
	f.Sender, f.Ender = d, d
	f.after(31 * time.Minute)
	if d.sending <= 0 || d.sending > 4*time.Minute || d.ending <= 0 || d.ending > time.Minute {
		t.Errorf("sending may take %v and ending %v, want at most 4 and 1 minutes", d.sending, d.ending)
	}
}

// TestGivenUpJobHasALog checks that the tick writes an error log for a job that it gives
// up.
func TestGivenUpJobHasALog(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.after(0)
	f.after(31 * time.Minute)
	f.Delay = 1000 * days
	for range 5 {
		f.after(11 * time.Minute)
	}
	key := fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: "a"}}
	content, _, err := f.files.Read(t.Context(), blob.Logs, ledger.ErrorLogName(f.runs()[0].ID, key), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var log ledger.ErrorLog
	if err := json.Unmarshal(content, &log); err != nil || log.State != fleet.Failed || log.Remedy == "" {
		t.Errorf("the error log is %s, %v; want state failed and a remedy", content, err)
	}
}

// TestUncoveredReadingsAreTold stores a reading of 1970. The tick logs once that no run
// will score it.
func TestUncoveredReadingsAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 0)
	f.after(0)
	f.insert(time.UnixMilli(1_772_366_400), f.now)
	for tick, want := range []string{`"msg":"readings that no run covers","readings":1,"sensors":1,"first":"1970-01-21T12:19:26.4Z","last":"1970-01-21T12:19:26.4Z"`, ""} {
		var lines bytes.Buffer
		if err := f.Tick(t.Context(), slog.New(slog.NewJSONHandler(&lines, nil))); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(lines.String(), "no run covers"); told != (want != "") || !strings.Contains(lines.String(), want) {
			t.Errorf("tick %d logs %s; want %q", tick, &lines, want)
		}
	}
}
