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

// inspector reads what became of jobs, for [Scorer] and [Poison].
type inspector struct {
	ledger Ledger
	files  blob.Store
	now    func() time.Time
}

// rows returns the rows of the tasks' jobs in SQL. For a job that does not exist it
// returns the zero row, whose state is empty.
func (l inspector) rows(ctx context.Context, run string, tasks []*task) (map[fleet.ID]fleet.Work, error) {
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

// compare re-opens a scored job if its CSV is not the one that its row names.
// That happens if a late writer replaces the CSV and is killed before it closes
// the job. The hash of the file is read after the row. So if the two differ, the
// file was changed after the job had been closed.
func (l inspector) compare(ctx context.Context, job fleet.Job) error {
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
