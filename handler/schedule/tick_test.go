package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/schedule"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// queue keeps the messages sent; full is what it says it holds besides.
type queue struct {
	mu   sync.Mutex
	sent []fleet.Message
	full int
	err  error
}

func (q *queue) Send(_ context.Context, text string) error {
	if q.err != nil {
		return q.err
	}
	m, err := fleet.ParseMessage(text)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = append(q.sent, m)
	return err
}

func (q *queue) ApproximateCount(context.Context) (int, error) { return q.full, nil }

type fixture struct {
	*schedule.Ticker
	t     *testing.T
	db    *store.DB
	queue *queue
	files *blob.Memory
	now   time.Time
}

func newFixture(t *testing.T, sensors int) *fixture {
	f := &fixture{t: t, db: storetest.Open(t, storetest.SQLite), queue: &queue{}, now: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}
	for i := range sensors {
		id := fleet.ID{Device: "d", Sensor: string(rune('a' + i))}
		if _, err := f.db.InsertReadings(t.Context(), []fleet.Reading{{ID: id}}, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	hourly, err := ncrontab.Parse("0 0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return f.now }
	files := &blob.Memory{}
	f.files = files
	f.Ticker = &schedule.Ticker{
		Spill:  &ingest.Ingester{Store: f.db, Files: files, Map: ingest.Fixed{Is: mapping.Plain}},
		Models: &registry.Registry{Blobs: files, Ledger: f.db, Columns: 1, Now: clock},
		Ledger: f.db, Queue: f.queue,
		Sender:    &ledger.Sender{Outbox: f.db, Queue: f.queue, PerMessage: 2, Now: clock},
		Ender:     &ledger.Ender{Ledger: f.db, Files: files, Now: clock},
		ErrorLogs: &ledger.ErrorLogs{Attempts: f.db, Files: files},
		Days:      &runs.Days{Ledger: f.db, Now: clock},
		Schedule:  hourly, Delay: time.Minute, Now: clock, Files: files,
	}
	return f
}

// after lets the clock go on and ticks.
func (f *fixture) after(d time.Duration) {
	f.t.Helper()
	f.now = f.now.Add(d)
	if err := f.Tick(f.t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) runs() []fleet.Run {
	f.t.Helper()
	runs, err := f.db.Runs(f.t.Context(), "", 1000)
	if err != nil {
		f.t.Fatal(err)
	}
	return runs
}

func TestWindowsTile(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 3)
	f.after(0)
	if runs := f.runs(); len(runs) != 0 {
		t.Fatalf("the first tick opened %v, want no run", runs)
	}
	f.after(30*time.Minute + 59*time.Second) // 13:00:59: not due
	if runs := f.runs(); len(runs) != 0 {
		t.Fatalf("opened %v, want no run before its delay is over", runs)
	}
	f.after(time.Second)
	runs := f.runs()
	if len(runs) != 1 || runs[0].ID != "20260301T120000Z-20260301T130000Z" || runs[0].Kind != fleet.Scheduled {
		t.Fatalf("opened %v, want the scheduled run of 12 to 13 o'clock", runs)
	}
	if len(f.queue.sent) != 2 || len(f.queue.sent[0].Jobs)+len(f.queue.sent[1].Jobs) != 3 {
		t.Errorf("sent %v, want two messages with three jobs", f.queue.sent)
	}
	f.after(3 * time.Hour) // an outage
	runs = f.runs()
	if len(runs) != 4 {
		t.Fatalf("%d runs after four hours, want 4", len(runs))
	}
	for i := range runs[1:] {
		if !runs[i].Window.From.Equal(runs[i+1].Window.To) {
			t.Errorf("run %s follows %s, want it to begin where that ends", runs[i].ID, runs[i+1].ID)
		}
	}
}

func TestAtMost24Open(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.after(0)
	f.after(100 * time.Hour)
	if runs := f.runs(); len(runs) != 24 {
		t.Fatalf("%d runs are open, want 24", len(runs))
	}
	oldest := f.runs()[23]
	if _, _, err := f.db.CloseJob(t.Context(), oldest.ID, fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: "a"}}, fleet.Outcome{Result: fleet.NoData}, f.now); err != nil {
		t.Fatal(err)
	}
	f.after(0) // ends it
	f.after(0)
	if runs := f.runs(); len(runs) != 25 || runs[24].State != fleet.RunSucceeded {
		t.Errorf("%d runs, the oldest %s; want 25, the oldest %s", len(runs), runs[len(runs)-1].State, fleet.RunSucceeded)
	}
}

// TestLostMessages has nobody answer: sent again singly, five times in all,
// then given up.
func TestLostMessages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	f.after(0)
	f.after(31 * time.Minute)
	sends := func(want int, why string) {
		t.Helper()
		jobs := 0
		for _, m := range f.queue.sent {
			jobs += len(m.Jobs)
		}
		if jobs != 2*want {
			t.Fatalf("%s: sent %d jobs, want %d", why, jobs, 2*want)
		}
	}
	sends(1, "at once")
	f.after(10 * time.Minute)
	sends(1, "after ten minutes exactly")
	f.queue.full = 1
	f.after(time.Minute)
	sends(1, "while the queue holds messages")
	f.queue.full = 0
	f.after(0)
	sends(2, "when the queue is empty")
	if last := f.queue.sent[len(f.queue.sent)-1]; len(last.Jobs) != 1 {
		t.Errorf("sent again in one message: %v, want each job alone", last)
	}
	for n := 3; n <= 5; n++ {
		f.after(11 * time.Minute)
		sends(n, "again")
	}
	run := f.runs()[0].ID
	f.after(11 * time.Minute)
	jobs, err := f.db.JobsPage(t.Context(), run, "", fleet.ID{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if j.State != fleet.Failed {
			t.Errorf("%s is %s, want failed", j.ID, j.State)
		}
	}
	if r, err := f.db.Run(t.Context(), run); err != nil || r.State != fleet.RunFailed {
		t.Errorf("the run is %s, %v; want %s", r.State, err, fleet.RunFailed)
	}
}

func TestAFailingStepHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 0) // a run without jobs
	f.after(0)
	if _, _, err := f.db.OpenRequested(t.Context(), fleet.Window{From: f.now.Add(-2 * time.Hour).Truncate(time.Hour), To: f.now.Truncate(time.Hour)}, nil, fleet.Settings{}, f.now); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the schedule's step is broken")
	f.Sender = failing{broken}
	if err := f.Tick(t.Context(), slog.New(slog.DiscardHandler)); !errors.Is(err, broken) {
		t.Errorf("Tick = %v, want %v", err, broken)
	}
	if r := f.runs()[0]; r.State != fleet.RunSucceeded {
		t.Errorf("the run is %s, want %s, as only sending failed", r.State, fleet.RunSucceeded)
	}
}

type failing struct{ err error }

func (s failing) Send(context.Context, string) (int, error) { return 0, s.err }
func (s failing) SendAlone(context.Context, string, ...fleet.JobKey) error {
	return s.err
}

// TestDepths logs how full each queue is under its own name.
func TestDepths(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 0)
	f.queue.full, f.Poison = 7, &queue{full: 3}
	var line bytes.Buffer
	if err := f.Tick(t.Context(), slog.New(slog.NewJSONHandler(&line, nil))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(line.String(), `"queue_depth":7,"poison_depth":3`) {
		t.Errorf("the tick logs %s, want 7 messages in the queue and 3 in the poison queue", &line)
	}
}

// TestLostMessagesOfTwoRuns sends each lost job again under its own run.
func TestLostMessagesOfTwoRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	f.after(0)
	f.queue.full = 1
	f.after(31 * time.Minute)
	f.after(time.Hour)
	f.queue.sent, f.queue.full = nil, 0
	f.after(11 * time.Minute)
	jobs := map[string]int{}
	for _, m := range f.queue.sent {
		jobs[m.Run] += len(m.Jobs)
	}
	for _, run := range f.runs() {
		if jobs[run.ID] != 2 {
			t.Errorf("sent %d jobs of %s again, want 2", jobs[run.ID], run.ID)
		}
	}
}
