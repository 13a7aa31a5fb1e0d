package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	// patience is how long a message may take when the queue is empty. It is longer than
	// a message of a dead instance stays invisible.
	patience = 10 * time.Minute
	// longPatience is how long a message may take while there are others in the queue.
	longPatience = 6 * time.Hour
	// maxSends is how often a job is sent at one revision before it fails.
	maxSends = 5
	lostPage = 1000
)

// resend sends jobs again whose messages must have been lost: the jobs are still queued,
// although the queue is empty or six hours have passed. It sends each job alone.
func (t *Ticker) resend(ctx context.Context, log *slog.Logger) error {
	n, err := t.Queue.ApproximateCount(ctx)
	if err != nil {
		return err
	}
	wait := patience
	if n > 0 {
		wait = longPatience
	}
	for {
		jobs, err := t.Ledger.Lost(ctx, t.Now(), wait, lostPage)
		if err != nil {
			return err
		}
		for rest := jobs; len(rest) > 0; {
			n := sameRun(rest)
			if err := t.resendOf(ctx, log, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		if len(jobs) < lostPage {
			return nil
		}
	}
}

// sameRun returns the number of jobs at the beginning that belong to the run of the first.
func sameRun(jobs []fleet.Job) int {
	n := 1
	for n < len(jobs) && jobs[n].Run == jobs[0].Run {
		n++
	}
	return n
}

// resendOf sends lost jobs of one run again, and closes those that were sent maxSends times.
func (t *Ticker) resendOf(ctx context.Context, log *slog.Logger, jobs []fleet.Job) error {
	var again []fleet.JobKey
	for _, j := range jobs {
		if j.Sends < maxSends {
			again = append(again, j.JobKey)
		} else if err := t.giveUp(ctx, log, j); err != nil {
			return err
		}
	}
	if len(again) == 0 {
		return nil
	}
	log.Warn("messages sent again", "run", jobs[0].Run, "jobs", len(again))
	return t.Sender.SendAlone(ctx, jobs[0].Run, again...)
}

// giveUp closes a job as failed. A later step of the tick ends its run.
func (t *Ticker) giveUp(ctx context.Context, log *slog.Logger, j fleet.Job) error {
	run, err := t.Ledger.Run(ctx, j.Run)
	if err != nil {
		return err
	}
	o := fleet.Outcome{Result: fleet.Failed, Error: fmt.Sprintf(
		"sent %d times at revision %d, the last time at %s, and never scored: the score function dies of it, or is not running",
		j.Sends, j.Revision, j.SentAt.Format(time.RFC3339))}
	if err := t.ErrorLogs.Write(ctx, run, j.JobKey, o); err != nil {
		return err
	}
	_, changed, err := t.Ledger.CloseJob(ctx, j.Run, j.JobKey, o, t.Now())
	if changed {
		log.Error("job given up", "run", j.Run, "job", j.ID.String(), "revision", j.Revision, "error", o.Error)
	}
	return err
}
