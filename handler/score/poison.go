package score

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// Poison works on messages that were delivered too often. That may not be the
// fault of their jobs: when a process dies, each message that it was working on
// has lost a delivery. So Poison sends each job once more, alone in a message,
// unless an attempt at it met a permanent error.
type Poison struct {
	Ledger Ledger
	Files  blob.Store
	Ender  ledger.Closer
	Sender ledger.Messenger
	Now    func() time.Time
	Pause  time.Duration // as of [Scorer]
}

// Poison closes or sends again those jobs of a message that are still queued at the
// revisions in the message. Then it ends their run, if no job is queued any more. It
// returns an error only if SQL, blobs or the queue fail for longer than it may
// try: the message would come again no sooner than in ten minutes.
func (p *Poison) Poison(ctx context.Context, log *slog.Logger, text string) error {
	m, err := fleet.ParseMessage(text)
	if err != nil {
		return bury(ctx, log, p.Files, text, err)
	}
	pause := cmp.Or(p.Pause, firstPause)
	for try := 1; ; try++ {
		err = p.try(ctx, log, m)
		if err == nil {
			return nil
		}
		if try == maxFailures || !sleep(ctx, pause) {
			return redeliver("poison", m.Run, err)
		}
		pause *= 2
	}
}

func (p *Poison) try(ctx context.Context, log *slog.Logger, m fleet.Message) error {
	run, err := p.Ledger.Run(ctx, m.Run)
	if errors.Is(err, fleet.ErrNotFound) {
		log.Warn("poisoned message for a run that does not exist", "run", m.Run, "jobs", len(m.Jobs))
		return nil
	}
	if err != nil {
		return err
	}
	look := inspector{p.Ledger, p.Files, p.Now}
	tasks := newTasks(m.Jobs)
	rows, err := look.rows(ctx, m.Run, tasks)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range tasks {
		switch row := rows[t.key.ID]; {
		case row.Revision != t.key.Revision:
		case row.State == fleet.Scored:
			errs = append(errs, look.compare(ctx, row.Job))
		case row.State == fleet.Queued:
			errs = append(errs, p.judge(ctx, log, run, t.key))
		}
	}
	return errors.Join(append(errs, p.Ender.End(ctx, log, m.Run))...)
}

// judge closes a queued job as failed if an attempt at it met a permanent error, or
// if it was sent alone before. Otherwise it sends it alone.
func (p *Poison) judge(ctx context.Context, log *slog.Logger, run fleet.Run, key fleet.JobKey) error {
	attempts, err := p.Ledger.Attempts(ctx, run.ID, key)
	if err != nil {
		return err
	}
	for i := len(attempts) - 1; i >= 0; i-- {
		if attempts[i].Own {
			return p.giveUp(ctx, log, run, key, attempts[i].Err)
		}
	}
	before, err := p.Ledger.Poisoned(ctx, run.ID, key)
	if err != nil {
		return err
	}
	if before {
		return p.giveUp(ctx, log, run, key, "delivered too often, together with others and then alone"+last(attempts))
	}
	if err := p.Sender.SendAlone(ctx, run.ID, key); err != nil {
		return err
	}
	return p.Ledger.NotePoisoned(ctx, run.ID, key)
}

func last(attempts []fleet.Attempt) string {
	if len(attempts) == 0 {
		return ": no attempt came to an end, the process died of each or was stopped"
	}
	return ": " + attempts[len(attempts)-1].Err
}

// giveUp closes a job as failed.
func (p *Poison) giveUp(ctx context.Context, log *slog.Logger, run fleet.Run, key fleet.JobKey, why string) error {
	o := fleet.Outcome{Result: fleet.Failed, Error: why}
	logs := ledger.ErrorLogs{Attempts: p.Ledger, Files: p.Files}
	if err := logs.Write(ctx, run, key, o); err != nil {
		return err
	}
	_, changed, err := p.Ledger.CloseJob(ctx, run.ID, key, o, p.Now())
	if err != nil {
		return fmt.Errorf("give up %s: %w", key.ID, err)
	}
	if changed {
		log.Error("job given up", "run", run.ID, "job", key.ID.String(), "revision", key.Revision, "error", why)
	}
	return nil
}
