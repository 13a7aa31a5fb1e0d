package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/store"
)

const days = 24 * time.Hour

// endAll closes every queued job and lets the tick end the runs.
func (f *fixture) endAll() {
	f.t.Helper()
	jobs, err := f.db.Unsent(f.t.Context(), "", 1000)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range f.runs() {
		of, err := f.db.JobsPage(f.t.Context(), r.ID, fleet.Queued, fleet.ID{}, 1000)
		if err != nil {
			f.t.Fatal(err)
		}
		jobs = append(jobs, of...)
	}
	for _, j := range jobs {
		if _, _, err := f.db.CloseJob(f.t.Context(), j.Run, j.JobKey, fleet.Outcome{Result: fleet.NoData}, f.now); err != nil {
			f.t.Fatal(err)
		}
	}
	f.after(0)
}

func (f *fixture) insert(times ...time.Time) {
	f.t.Helper()
	for _, at := range times {
		r := fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "a"}, Time: fleet.MillisOf(at), Value: 1}
		if _, err := f.db.InsertReadings(f.t.Context(), []fleet.Reading{r}, fleet.Delivery{}); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) readings() (all []time.Time) {
	f.t.Helper()
	ever := fleet.Window{From: fleet.MinMillis.Time(), To: fleet.MaxMillis.Time()}
	for r, err := range f.db.Readings(f.t.Context(), []fleet.ID{{Device: "d", Sensor: "a"}}, ever) {
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, r.Time.Time())
	}
	return all
}

func (f *fixture) manifest(run string) bool {
	f.t.Helper()
	_, err := f.files.Stat(f.t.Context(), blob.Preds, ledger.ManifestName(run))
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		f.t.Fatal(err)
	}
	return err == nil
}

// TestRetention keeps an ended run and its manifest for the retention, and an
// open one for as long as it is open.
func TestRetention(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.Retention = 30 * days
	f.after(0)
	f.after(31 * time.Minute) // the run of 12 to 13 o'clock
	first := f.runs()[0].ID
	f.endAll()
	f.after(time.Hour) // the run of 13 to 14 o'clock, which stays open
	open := f.runs()[0].ID
	f.Delay = 1000 * days // no more runs
	f.after(30*days - time.Hour)
	if n := len(f.runs()); n != 2 || !f.manifest(first) {
		t.Fatalf("after 30 days exactly: %d runs, the manifest is there: %v; want 2 runs and the manifest", n, f.manifest(first))
	}
	f.after(time.Minute)
	if runs := f.runs(); len(runs) != 1 || runs[0].ID != open || f.manifest(first) {
		t.Fatalf("after 30 days and a minute: %v, the first manifest is there: %v; want the open run alone", runs, f.manifest(first))
	}
	f.after(300 * days)
	if runs := f.runs(); len(runs) != 1 || runs[0].State != fleet.RunRunning {
		t.Fatalf("after 300 days: %v, want the open run, still running", runs)
	}
	f.endAll()
	f.after(0)
	if runs := f.runs(); len(runs) != 0 || f.manifest(open) {
		t.Errorf("after the open run has ended: %v, want no run and no manifest", runs)
	}
}

// TestRetentionOfReadings deletes those that nothing needs any more.
func TestRetentionOfReadings(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.Retention = 30 * days
	f.after(0)
	start := f.now
	in2018 := time.Date(2018, 8, 28, 23, 0, 0, 0, time.UTC)
	w := fleet.Window{From: in2018, To: in2018.Add(time.Hour)}
	if _, _, err := f.db.OpenRequested(t.Context(), w, nil, fleet.Settings{}, f.now); err != nil {
		t.Fatal(err)
	}
	f.Ledger = lookingBack{f.db}
	f.insert(
		in2018.Add(-2*time.Hour-time.Second), // before what the run may look back to
		in2018.Add(-2*time.Hour), in2018, in2018.Add(time.Hour-time.Second),
		in2018.Add(time.Hour), // after its window
		start.Add(-31*days-time.Hour), start.Add(-31*days+6*time.Hour), start)
	f.after(time.Hour)
	want := []time.Time{in2018.Add(-2 * time.Hour), in2018, in2018.Add(time.Hour - time.Second), start.Add(-31*days + 6*time.Hour), start}
	if got := f.readings(); !equalTimes(got, want) {
		t.Fatalf("left are %v, want %v", got, want)
	}
	// An hour is cleared once: a reading of 2018 sent now stays until the next.
	f.insert(in2018.Add(5 * time.Hour))
	f.after(time.Minute)
	if got := f.readings(); len(got) != len(want)+1 {
		t.Fatalf("left are %v, want the new reading beside %v", got, want)
	}
	f.after(time.Hour)
	if got := f.readings(); !equalTimes(got, want) {
		t.Fatalf("left are %v, want %v", got, want)
	}
}

// lookingBack is a ledger of jobs that look back two hours.
type lookingBack struct{ *store.DB }

func (lookingBack) MaxLookback(context.Context) (time.Duration, error) { return 2 * time.Hour, nil }

func equalTimes(a, b []time.Time) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// TestRetentionAfterOutage keeps readings that the schedule has not opened a run
// for yet, however old.
func TestRetentionAfterOutage(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 0)
	f.Retention = 2 * days
	f.after(0)
	f.insert(f.now, f.now.Add(40*time.Hour))
	f.after(10 * days) // of these 240 windows 24 are opened, and end
	if got := f.readings(); len(got) != 2 {
		t.Fatalf("left are %v, want both readings", got)
	}
	for range 30 {
		f.endAll()
	}
	f.after(3 * days)
	for range 10 {
		f.endAll()
	}
	if got := f.readings(); len(got) != 0 {
		t.Errorf("left are %v, want none", got)
	}
}

// TestNothingIsDeletedWithoutRetention is how it is unless somebody sets one.
func TestNothingIsDeletedWithoutRetention(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.after(0)
	f.after(31 * time.Minute)
	f.endAll()
	f.Delay = 1e6 * time.Hour
	f.after(100000 * time.Hour)
	if len(f.runs()) != 1 || len(f.readings()) != 1 {
		t.Errorf("left are the runs %v and readings %v, want one of each", f.runs(), f.readings())
	}
}

// TestLateForDeletedPredictions leaves alone a run whose files are soon to go.
func TestLateForDeletedPredictions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.Retention = 30 * days
	f.after(0)
	f.after(31 * time.Minute)
	f.endAll()
	run := f.runs()[0]
	f.Delay = 1000 * days
	for _, c := range []struct {
		after time.Duration
		epoch int
	}{{29 * days, 1}, {time.Minute, 1}} {
		f.now = f.now.Add(c.after)
		f.insert(run.Window.From.Add(c.after % time.Hour))
		f.after(0)
		f.endAll()
		if got := f.runs()[0]; got.Epoch != c.epoch {
			t.Errorf("after %v more: epoch %d, want %d", c.after, got.Epoch, c.epoch)
		}
	}
}

// TestRetentionIsToldAndRepeated logs what was deleted, and goes on after a blob
// that could not be deleted.
func TestRetentionIsToldAndRepeated(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.Retention = 30 * days
	f.after(0)
	f.after(31 * time.Minute)
	f.endAll()
	f.Delay = 1000 * days
	f.now = f.now.Add(31 * days)
	files := f.Files
	f.Files = noDelete{files}
	if err := f.Tick(t.Context(), slog.New(slog.NewTextHandler(io.Discard, nil))); !errors.Is(err, errAway) || len(f.runs()) != 1 {
		t.Fatalf("while storage is away: %v, runs %v; want %v and one run", err, f.runs(), errAway)
	}
	f.Files = files
	var line bytes.Buffer
	if err := f.Tick(t.Context(), slog.New(slog.NewTextHandler(&line, nil))); err != nil || len(f.runs()) != 0 {
		t.Fatalf("with storage: %v, runs %v; want no run", err, f.runs())
	}
	if !strings.Contains(line.String(), "msg=retention runs=1 readings=0") {
		t.Errorf("logged: %s; want one run deleted", &line)
	}
}

var errAway = errors.New("storage is away")

type noDelete struct{ blob.Store }

func (noDelete) Delete(context.Context, string, string) error { return errAway }
