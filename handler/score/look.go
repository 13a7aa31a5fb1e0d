package score

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// looker is the look at jobs that step (a) takes, of [Scorer] and [Poison].
type looker struct {
	ledger Ledger
	files  blob.Store
	now    func() time.Time
}

// rows returns the rows of the tasks' jobs. One that does not exist has none,
// and so the revision 0 and no state.
func (l looker) rows(ctx context.Context, run string, tasks []*task) (map[fleet.ID]fleet.Work, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	ids := make([]fleet.ID, len(tasks))
	for i, t := range tasks {
		ids[i] = t.key.ID
	}
	jobs, err := l.ledger.Work(ctx, run, ids)
	if err != nil {
		return nil, err
	}
	rows := make(map[fleet.ID]fleet.Work, len(jobs))
	for _, j := range jobs {
		rows[j.ID] = j
	}
	return rows, nil
}

// compare re-opens a scored job whose CSV is not the one that its row names: a
// writer that came late, and was killed before it could look, left its own. The
// sha256 is read after the row, so that a file read as different was, or is,
// different from what the job was closed with.
func (l looker) compare(ctx context.Context, job fleet.Job) error {
	info, err := l.files.Stat(ctx, blob.Preds, ledger.CSVName(job.Run, job.ID))
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	if info.SHA256 == job.CSVSHA256 {
		return nil
	}
	if _, err := l.ledger.ReopenJob(ctx, job.Run, job.JobKey, job.CSVSHA256, l.now()); err != nil {
		return fmt.Errorf("re-open %s: %w", job.ID, err)
	}
	return nil
}
