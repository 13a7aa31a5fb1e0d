package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// Ledger is what a [Ticker] reads and writes in SQL.
type Ledger interface {
	// Watermark returns up to where scheduled windows have been opened. ok is false
	// before InitWatermark.
	Watermark(ctx context.Context) (upto time.Time, ok bool, err error)
	// InitWatermark sets the watermark where there is none.
	InitWatermark(ctx context.Context, t time.Time) error
	// OpenScheduled opens the run over w, with its jobs, and moves the watermark
	// from w.From to w.To, unless it is elsewhere or maxOpen runs are open.
	OpenScheduled(ctx context.Context, w fleet.Window, s fleet.Settings, now time.Time, maxOpen int) (bool, error)

	// ReopenLate handles up to limit marks of late readings in the oldest window that has
	// any. It re-opens the jobs whose rows the readings change, adds jobs that are missing,
	// and deletes the marks. It does not change a run that was first opened before oldest.
	// It returns the number of marks.
	ReopenLate(ctx context.Context, limit int, now, oldest time.Time) (marks int, runs []fleet.Reopened, err error)

	// TakeUncovered returns the sum of up to limit notes of readings that no run covers,
	// and deletes these notes.
	TakeUncovered(ctx context.Context, limit int) (fleet.Uncovered, error)

	// Lost returns queued jobs last sent longer than patience from now, those of a run together.
	Lost(ctx context.Context, now time.Time, patience time.Duration, limit int) ([]fleet.Job, error)
	// Run returns a run. The error wraps [fleet.ErrNotFound] if there is none.
	Run(ctx context.Context, id string) (fleet.Run, error)
	// CloseJob closes a job where its revision matches and it is queued, or
	// failed while o is not. was is its state before, or the present one if
	// nothing changed.
	CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (was fleet.JobState, changed bool, err error)

	// RunsToEnd returns the open runs that have no queued job, the oldest window first.
	RunsToEnd(ctx context.Context) ([]string, error)

	// ExpiredRuns returns ended runs that were first opened before the given time.
	ExpiredRuns(ctx context.Context, before time.Time, limit int) ([]string, error)
	// DeleteRun deletes up to limit rows of such a run and reports whether none is left.
	DeleteRun(ctx context.Context, run string, before time.Time, limit int) (done bool, err error)
	// WindowsBefore returns the windows of runs that begin before t, the earliest first.
	WindowsBefore(ctx context.Context, t time.Time) ([]fleet.Window, error)
	// MaxLookback returns how long before its window a job may need readings, at most.
	MaxLookback(ctx context.Context) (time.Duration, error)
	// DeleteReadings deletes about limit readings of a window, beginning with the
	// sensor whose key is first. It returns the key to go on with, 0 at the end.
	DeleteReadings(ctx context.Context, w fleet.Window, first int64, limit int) (deleted, next int64, err error)
	// DeleteFaults deletes what was counted of hours before a time.
	DeleteFaults(ctx context.Context, before time.Time) error
}

// Queue counts the messages in a queue, including those that are being processed.
type Queue interface {
	ApproximateCount(ctx context.Context) (int, error)
}

// Spill holds the batches of events that could not be stored in SQL when they came.
type Spill interface {
	// Drain ingests them. It stops shortly before the deadline of ctx.
	Drain(ctx context.Context, log *slog.Logger) error
}

// Models is the registry of models; see package registry.
type Models interface {
	// Refresh registers what has changed in the container models, and assigns models
	// to the sensors that are new.
	Refresh(ctx context.Context, log *slog.Logger) error
}

// Days keeps sums of days, from which the page shows a month and a year.
type Days interface {
	// Sum computes the sums of the days whose runs have changed.
	Sum(ctx context.Context) error
}

// Ticker runs ticks. It is safe for concurrent use.
type Ticker struct {
	Spill     Spill
	Models    Models
	Ledger    Ledger
	Queue     Queue
	Poison    Queue // the poison queue; if nil, the tick logs no counts
	Sender    ledger.Messenger
	Ender     ledger.Closer
	ErrorLogs *ledger.ErrorLogs
	Days      Days
	Schedule  ncrontab.Schedule // when windows end
	Delay     time.Duration     // how long to wait for readings after the end of a window
	Settings  fleet.Settings    // of the runs it opens
	Now       func() time.Time
	Metrics   *telemetry.Metrics // nil counts nothing

	Files     blob.Store
	Retention time.Duration // how long runs are kept after their first opening, and readings; 0 means for ever

	mu      sync.Mutex
	cleared time.Time // the hour up to which readings are deleted
}

// maxOpen is the largest number of scheduled runs that are open at the same time. After an
// outage the next windows wait.
const maxOpen = 24

// latePage is the number of marks of late readings that one transaction handles. A mark may
// re-open a job in each window that looks back to it.
const latePage = 250

// Tick runs the steps below in order, and then logs the lengths of the queues. Each step has a
// time limit. If a step fails, the others run nevertheless, and the next tick goes on where it
// stopped. The error joins the errors of all steps.
func (t *Ticker) Tick(ctx context.Context, log *slog.Logger) error {
	steps := []struct {
		name  string
		limit time.Duration
		f     func(context.Context, *slog.Logger) error
	}{
		{"drain spilled batches", time.Minute, t.Spill.Drain},
		{"register models", 2 * time.Minute, t.Models.Refresh},
		{"open windows", time.Minute, t.open},
		{"re-open for late readings", time.Minute, t.late},
		{"count readings that no run covers", time.Minute, t.uncovered},
		{"send lost messages again", time.Minute, t.resend},
		{"send messages", 4 * time.Minute, t.send},
		{"end runs", time.Minute, t.end},
		{"delete what is past the retention", time.Minute, t.retain},
		{"sum days", time.Minute, func(ctx context.Context, _ *slog.Logger) error { return t.Days.Sum(ctx) }},
	}
	var errs []error
	for _, step := range steps {
		if err := limited(ctx, step.name, step.limit, func(ctx context.Context) error { return step.f(ctx, log) }); err != nil {
			errs = append(errs, fmt.Errorf("tick: %s: %w", step.name, err))
		}
	}
	t.report(ctx, log)
	return errors.Join(errs...)
}

// limited runs a step of the tick with a time limit, in a span of its own.
func limited(ctx context.Context, name string, limit time.Duration, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ctx, span := telemetry.Start(ctx, name, telemetry.Internal)
	defer func() { span.End(err) }()
	return f(ctx)
}

// report logs the lengths of the queues, in one line for each tick. If they cannot be counted,
// it logs a warning, and the tick does not fail.
func (t *Ticker) report(ctx context.Context, log *slog.Logger) {
	if t.Poison == nil {
		return
	}
	queued, err := t.Queue.ApproximateCount(ctx)
	poison, err2 := t.Poison.ApproximateCount(ctx)
	if err := errors.Join(err, err2); err != nil {
		log.Warn("queues not counted", "error", err.Error())
		return
	}
	t.Metrics.Queues(ctx, queued, poison)
	log.Info("tick", "queue_depth", queued, "poison_depth", poison)
}

// open opens the windows that are due, oldest first.
func (t *Ticker) open(ctx context.Context, log *slog.Logger) error {
	var tried time.Time
	for {
		from, ok, err := t.Ledger.Watermark(ctx)
		if err != nil {
			return err
		}
		if !ok {
			return t.begin(ctx, log)
		}
		if from.Equal(tried) { // too many runs are open
			return nil
		}
		now := t.Now()
		to := t.Schedule.Next(from)
		if to.IsZero() || now.Before(to.Add(t.Delay)) {
			return nil
		}
		w, err := fleet.NewWindow(from, to)
		if err != nil {
			return err
		}
		// If another tick has opened the window, the watermark has moved. Go on there.
		if _, err := t.Ledger.OpenScheduled(ctx, w, t.Settings, now, maxOpen); err != nil {
			return err
		}
		tried = from
	}
}

// begin sets the first watermark to the last time of the schedule.
func (t *Ticker) begin(ctx context.Context, log *slog.Logger) error {
	last := t.Schedule.Last(t.Now())
	if last.IsZero() {
		return fmt.Errorf("%w: the schedule %q never fires: correct SCORE_SCHEDULE", fleet.ErrInvalid, t.Schedule)
	}
	log.Info("scheduled windows begin", "watermark", last, "schedule", t.Schedule.String())
	return t.Ledger.InitWatermark(ctx, last)
}

// late re-opens jobs for late readings, the oldest window first.
func (t *Ticker) late(ctx context.Context, log *slog.Logger) error {
	for {
		marks, runs, err := t.Ledger.ReopenLate(ctx, latePage, t.Now(), fleet.Reopenable(t.Now(), t.Retention))
		if err != nil || marks == 0 {
			return err
		}
		for _, r := range runs {
			log.Info("re-opened for late readings", "run", r.Run, "jobs", r.Again, "added", r.Added)
		}
	}
}

// uncoveredPage is the number of notes of uncovered readings that are summed at a time.
const uncoveredPage = 10_000

// uncovered logs how many new readings no scheduled run covers, because they are before the
// first window or their run was deleted. They are stored, but only a requested run scores them.
func (t *Ticker) uncovered(ctx context.Context, log *slog.Logger) error {
	for {
		u, err := t.Ledger.TakeUncovered(ctx, uncoveredPage)
		if err != nil || u.Readings == 0 {
			return err
		}
		log.Warn("readings that no run covers", "readings", u.Readings, "sensors", u.Sensors, "first", u.First, "last", u.Last,
			"remedy", "if their times are right, request a run over them; if not, correct the sender's clock")
	}
}

func (t *Ticker) send(ctx context.Context, _ *slog.Logger) error {
	_, err := t.Sender.Send(ctx, "")
	return err
}

// end ends runs that have no queued job. Usually the scorer that closes the last job does so,
// unless it is killed before.
func (t *Ticker) end(ctx context.Context, log *slog.Logger) error {
	runs, err := t.Ledger.RunsToEnd(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, run := range runs {
		errs = append(errs, t.Ender.End(ctx, log, run))
	}
	return errors.Join(errs...)
}
