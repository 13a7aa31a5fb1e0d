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
	// Work returns the run's jobs for those of ids that have one, each with the
	// model that serves it now.
	Work(ctx context.Context, run string, ids []fleet.ID) ([]fleet.Work, error)

	// CloseJob closes a job where its revision matches and it is queued, or
	// failed while o is not. was is its state before, or the present one if
	// nothing changed.
	CloseJob(ctx context.Context, run string, key fleet.JobKey, o fleet.Outcome, now time.Time) (was fleet.JobState, changed bool, err error)
	// ReopenJob re-opens a job at the next revision where it is scored, at
	// key's revision, with that CSV.
	ReopenJob(ctx context.Context, run string, key fleet.JobKey, csvSHA256 string, now time.Time) (bool, error)

	// BindJob stores how far a queued job's rows look back, if it is further than
	// before. It reports false if nothing changed.
	BindJob(ctx context.Context, run string, key fleet.JobKey, lookback time.Duration) (bool, error)
	// Attributes returns the registered version of devices.csv, nil if there is none.
	Attributes(ctx context.Context) (*fleet.Model, error)

	// AddAttempt stores an attempt at a job that came to nothing. The same attempt
	// twice is stored once.
	AddAttempt(ctx context.Context, run string, key fleet.JobKey, a fleet.Attempt) error
	// Attempts returns the attempts at a job at its revision, the first first.
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
	// CPU bounds the predicting of all invocations together: one share a core.
	CPU *semaphore.Weighted
	Now func() time.Time
	// Pause is the wait before the second pass over jobs that met an error
	// which may mend; each later one is twice as long. Half a second if zero.
	Pause time.Duration

	chunks pool[chunk]
}

const (
	passes  = 4                // over the jobs of a message, while errors may mend
	looks   = 20               // passes in all; those beyond errors, others got on
	workers = 8                // jobs of a message worked on at a time
	grace   = 10 * time.Second // for noting attempts after the deadline

	firstPause = 500 * time.Millisecond
)

// Score works on the jobs of a message. It returns nil if the message is done
// with, and an error that asks for another delivery if not: then the attempt is
// noted for each job left. The jobs of a message succeed and fail one by one. A
// text that is no message goes to the dead letter.
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
		return again("score", m.Run, err)
	}
	p := &pass{Scorer: s, run: run, log: log}
	if p.aggregation, err = fleet.ParseAggregation(run.Settings.Aggregate); err != nil {
		return again("score", m.Run, err)
	}
	tasks := newTasks(m.Jobs)
	if left := s.passes(ctx, p, tasks); len(left) > 0 {
		s.note(ctx, log, run.ID, left)
		return again("score", run.ID, fmt.Errorf("%d of %d jobs are left, the first of them %s: %w", len(left), len(tasks), left[0].key.ID, left[0].err))
	}
	if err := s.Ender.End(ctx, log, run.ID); err != nil {
		return again("score", run.ID, err)
	}
	return nil
}

// again makes err one that asks for another delivery, whatever it was.
func again(doing, run string, err error) error {
	return fmt.Errorf("%s run %s: %w: %v", doing, run, fleet.ErrUnavailable, err)
}

// passes goes over the tasks until each is done, or what is left cannot be
// mended in time. It returns what is left, with errors.
func (s *Scorer) passes(ctx context.Context, p *pass, tasks []*task) []*task {
	pause := cmp.Or(s.Pause, firstPause)
	var stuck []*task // with errors of their own
	failing := 0
	for range looks {
		p.try(ctx, tasks)
		tasks = slices.DeleteFunc(tasks, func(t *task) bool {
			if t.err != nil && own(t.err) {
				stuck = append(stuck, t)
			}
			return t.err == nil && !t.again || t.err != nil && own(t.err)
		})
		if len(tasks) == 0 {
			return stuck
		}
		if !slices.ContainsFunc(tasks, func(t *task) bool { return t.err != nil }) {
			continue // others were faster: look again at once
		}
		if failing++; failing == passes || !sleep(ctx, pause) {
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

// own reports whether err lies in the job itself: another try, elsewhere or
// later, will meet it again. The list is closed: no model, a bad model, no data,
// bad data, a panic, and a value that the database refuses. Any other error,
// known or not, may pass and is tried again.
func own(err error) bool {
	for _, other := range []error{fleet.ErrUnavailable, context.DeadlineExceeded, context.Canceled, blob.ErrChanged} {
		if errors.Is(err, other) {
			return false
		}
	}
	var panicked *spawn.Panic
	return fleet.FailureOf(err).Outcome != "" || errors.As(err, &panicked) || errors.Is(err, fleet.ErrInvalid)
}

// note adds an attempt to each task left, even when the deadline has passed, so
// that poison can tell the unlucky from the bad.
func (s *Scorer) note(ctx context.Context, log *slog.Logger, run string, left []*task) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, t := range left {
		a := fleet.Attempt{At: s.Now(), Own: own(t.err), Err: t.err.Error()}
		if err := s.Ledger.AddAttempt(ctx, run, t.key, a); err != nil {
			log.Warn("attempt not noted", "run", run, "job", t.key.ID.String(), "revision", t.key.Revision, "attempt", a.Err, "error", err.Error())
			return // the others would fail alike
		}
	}
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil // both may have happened
	}
}
