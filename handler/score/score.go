package score

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Ledger is what a [Scorer] and [Poison] read and write of runs and jobs.
type Ledger interface {
	// Run returns a run. The error wraps [fleet.ErrNotFound] if there is none.
	Run(ctx context.Context, id string) (fleet.Run, error)
	// Work returns the jobs of a run for ids, each with the model that serves it now. Ids
	// without a job are left out.
	Work(ctx context.Context, run string, ids []fleet.ID) ([]fleet.Work, error)

	// CloseJob closes a job if its revision matches, and it is either queued, or failed
	// while o is not. was is its state before; if nothing changed it is the present one.
	CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (was fleet.JobState, changed bool, err error)
	// ReopenJob re-opens a job at the next revision, if it is scored at key's revision
	// with that CSV.
	ReopenJob(ctx context.Context, run string, key fleet.JobKey, csvSHA256 string, now time.Time) (bool, error)

	// BindJob stores how far a queued job's rows look back, if it is further than
	// before. It reports false if nothing changed.
	BindJob(ctx context.Context, run string, key fleet.JobKey, lookback time.Duration) (bool, error)
	// Attributes returns the registered version of devices.csv, nil if there is none.
	Attributes(ctx context.Context) (*fleet.Model, error)

	// AddAttempt stores a failed attempt at a job. An attempt that is stored already is
	// not stored again.
	AddAttempt(ctx context.Context, run string, key fleet.JobKey, a fleet.Attempt) error
	// Attempts returns the attempts at a job at its revision, the oldest first.
	Attempts(ctx context.Context, run string, key fleet.JobKey) ([]fleet.Attempt, error)

	// Poisoned reports whether [Poison] sent this job alone before, at its revision.
	Poisoned(ctx context.Context, run string, key fleet.JobKey) (bool, error)
	// NotePoisoned notes that [Poison] sent this job alone.
	NotePoisoned(ctx context.Context, run string, key fleet.JobKey) error
}

// Readings yields the readings of sensors in a window, by sensor, then time.
type Readings interface {
	Readings(ctx context.Context, ids []fleet.ID, w fleet.Window) iter.Seq2[fleet.Reading, error]
}

// Scorer scores the jobs of queue messages. It is safe for concurrent use.
type Scorer struct {
	Ledger   Ledger
	Readings Readings
	Models   Models
	// MaxLookback is how far the rows of device models may look back; see
	// [features.DefaultMaxLookback].
	MaxLookback time.Duration

	Files blob.Store
	Ender ledger.Closer
	// CPU has one share for each core. It limits how many jobs of all invocations predict
	// at a time.
	CPU *semaphore.Weighted
	Now func() time.Time
	// Pause is the wait after the first round in which a job met an error that may
	// go away. Each later wait is twice as long. Zero means half a second.
	Pause time.Duration

	chunks pool[chunk]
}

const (
	maxFailures = 4  // rounds in which a job met an error that may go away
	maxRounds   = 20 // in all; a round without errors starts over because others changed a job

	workers = 8                // jobs of a message that are worked on at a time
	grace   = 10 * time.Second // for noting attempts after the deadline

	firstPause = 500 * time.Millisecond
)

// Score works on the jobs of a message, each of which succeeds or fails by itself.
// It returns nil if all are closed. Otherwise it notes an attempt for each job that
// is left, and returns an error that has the host deliver the message again. A text
// that is no message goes to the dead letter.
func (s *Scorer) Score(ctx context.Context, log *slog.Logger, text string) error {
	m, err := fleet.ParseMessage(text)
	if err != nil {
		return bury(ctx, log, s.Files, text, err)
	}
	run, err := s.Ledger.Run(ctx, m.Run)
	if errors.Is(err, fleet.ErrNotFound) {
		log.Warn("message for a run that does not exist", "run", m.Run, "jobs", len(m.Jobs))
		return nil
	}
	if err != nil {
		return redeliver("score", m.Run, err)
	}
	p := &processor{Scorer: s, run: run, log: log}
	if p.aggregation, err = fleet.ParseAggregation(run.Settings.Aggregate); err != nil {
		return redeliver("score", m.Run, err)
	}
	tasks := newTasks(m.Jobs)
	if left := s.rounds(ctx, p, tasks); len(left) > 0 {
		s.note(ctx, log, run.ID, left)
		return redeliver("score", run.ID, fmt.Errorf("%d of %d jobs are left, the first of them %s: %w", len(left), len(tasks), left[0].key.ID, left[0].err))
	}
	if err := s.Ender.End(ctx, log, run.ID); err != nil {
		return redeliver("score", run.ID, err)
	}
	return nil
}

// redeliver wraps any err as one after which the host delivers the message again.
func redeliver(doing, run string, err error) error {
	return fmt.Errorf("%s run %s: %w: %v", doing, run, fleet.ErrUnavailable, err)
}

// rounds works on the tasks until all are done or there is no time left. It returns
// those that are not done, each with its error.
func (s *Scorer) rounds(ctx context.Context, p *processor, tasks []*task) []*task {
	pause := cmp.Or(s.Pause, firstPause)
	var stuck []*task // with permanent errors
	failures := 0
	for range maxRounds {
		p.round(ctx, tasks)
		tasks = slices.DeleteFunc(tasks, func(t *task) bool {
			if t.err != nil && permanent(t.err) {
				stuck = append(stuck, t)
			}
			return t.err == nil && !t.startOver || t.err != nil && permanent(t.err)
		})
		if len(tasks) == 0 {
			return stuck
		}
		if !slices.ContainsFunc(tasks, func(t *task) bool { return t.err != nil }) {
			continue // others changed a job: start over at once
		}
		if failures++; failures == maxFailures || !sleep(ctx, pause) {
			break
		}
		pause *= 2
	}
	for _, t := range tasks {
		if t.err == nil {
			t.err = fmt.Errorf("%w: others kept changing the job", fleet.ErrUnavailable)
		}
	}
	return append(stuck, tasks...)
}

// permanent reports whether err lies in the job itself, so that every other attempt
// would meet it too. Such errors are: no model, a bad model, no data, bad data, a
// panic, and a value that the database refuses. Any other error, even one that
// nobody has seen before, may go away, and the job is tried again.
func permanent(err error) bool {
	for _, other := range []error{fleet.ErrUnavailable, context.DeadlineExceeded, context.Canceled, blob.ErrChanged} {
		if errors.Is(err, other) {
			return false
		}
	}
	var panicked *spawn.Panic
	return fleet.FailureOf(err).Outcome != "" || errors.As(err, &panicked) || errors.Is(err, fleet.ErrInvalid)
}

// note stores an attempt for each task that is left, even after the deadline.
// [Poison] decides by the attempts which jobs get a second chance.
func (s *Scorer) note(ctx context.Context, log *slog.Logger, run string, left []*task) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, t := range left {
		a := fleet.Attempt{At: s.Now(), Own: permanent(t.err), Err: t.err.Error()}
		if err := s.Ledger.AddAttempt(ctx, run, t.key, a); err != nil {
			log.Warn("attempt not noted", "run", run, "job", t.key.ID.String(), "revision", t.key.Revision, "attempt", a.Err, "error", err.Error())
			return // the others would fail too
		}
	}
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil // the select may choose either if both are ready
	}
}
