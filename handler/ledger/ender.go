package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"runtime"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// Closer ends runs. [Ender] is one.
type Closer interface {
	// End ends the run, unless it has a queued job or is not open.
	End(ctx context.Context, log *slog.Logger, run string) error
}

// Ledger is what an [Ender] reads and writes in SQL.
type Ledger interface {
	// Pending reports whether the run has a queued job.
	Pending(ctx context.Context, run string) (bool, error)
	// Run returns a run. The error wraps [fleet.ErrNotFound] if there is none.
	Run(ctx context.Context, id string) (fleet.Run, error)
	// EndRun ends the run where it is open, its epoch unchanged and no job
	// queued, and reports whether it did. With it, it stores what the jobs came to.
	EndRun(ctx context.Context, run string, epoch int, state fleet.RunState, sums fleet.RunSums, now time.Time) (bool, error)

	// JobsPage returns up to limit jobs of a run in the given state, "" for any,
	// after the given sensor or device model, in the order of these.
	JobsPage(ctx context.Context, run string, state fleet.JobState, after fleet.ID, limit int) ([]fleet.Job, error)
}

// Exporter writes what a run predicted for others, before the run ends.
type Exporter interface {
	// Export writes the predictions of the jobs, which come by device. Its error wraps
	// [ErrPending] if the run is not to end now, [blob.ErrChanged] if another writer came first.
	Export(ctx context.Context, run fleet.Run, jobs iter.Seq2[fleet.Job, error]) error
	// Latest says that the run is about to end in a state, its manifest being written.
	Latest(ctx context.Context, run fleet.Run, state fleet.RunState) error
}

// Ender ends runs whose jobs are all closed. It is safe for concurrent use.
type Ender struct {
	Ledger Ledger
	Files  blob.Store
	Export Exporter // nil if nothing more is to be written
	Now    func() time.Time
	// Metrics counts the runs that it ends; nil counts nothing.
	Metrics *telemetry.Metrics
}

const (
	jobsPage = 1000
	// endTries bounds how often End starts over because another wrote the manifest
	// in the meantime.
	endTries = 20
)

// End writes the manifest of a run and ends the run, if it is open and has no
// queued job. Otherwise it does nothing. Whoever closes a job calls it after the
// close has been committed, and so does the tick.
//
// The order of its steps matters. It reads the ETag of the manifest first, so that
// a manifest made of older rows never replaces a newer one. It reads the epoch
// before the jobs. Any later change to a closed job raises the epoch, and then the
// run does not end. So the jobs can be read page by page, without a transaction
// around them.
//
// The End that ends the run logs its summary. If the database ends the run but its
// answer is lost, no summary is logged.
func (e *Ender) End(ctx context.Context, log *slog.Logger, id string) error {
	pending, err := e.Ledger.Pending(ctx, id)
	if err != nil || pending {
		return err
	}
	for range endTries {
		err := e.try(ctx, log, id)
		switch {
		case errors.Is(err, blob.ErrChanged):
			continue
		case errors.Is(err, ErrPending), errors.Is(err, fleet.ErrNotFound):
			return nil
		case err != nil:
			return fmt.Errorf("end run %s: %w", id, err)
		}
		return nil
	}
	return fmt.Errorf("end run %s: %w: others kept writing its manifest", id, fleet.ErrUnavailable)
}

func (e *Ender) try(ctx context.Context, log *slog.Logger, id string) (err error) {
	ctx, span := telemetry.Start(ctx, "end run", telemetry.Internal)
	defer func() { span.End(err) }()
	span.Text("fleetscore.run", id)
	cond, err := Unchanged(ctx, e.Files, blob.Preds, ManifestName(id))
	if err != nil {
		return err
	}
	run, err := e.Ledger.Run(ctx, id)
	if err != nil || !run.State.Open() {
		return err
	}
	if e.Export != nil {
		if err := e.Export.Export(ctx, run, e.jobs(ctx, id)); err != nil {
			return err
		}
	}
	var totals Totals
	_, err = e.Files.Write(ctx, blob.Preds, ManifestName(id), cond, "application/json", func(w io.Writer) (err error) {
		totals, err = WriteManifest(w, run, e.jobs(ctx, id))
		return err
	})
	if err != nil {
		return err
	}
	if e.Export != nil {
		if err := e.Export.Latest(ctx, run, totals.State); err != nil {
			return err
		}
	}
	now := e.Now()
	ended, err := e.Ledger.EndRun(ctx, id, run.Epoch, totals.State, totals.sums(), now)
	if ended {
		e.summarize(ctx, log, run, totals, now)
	}
	return err
}

// jobs yields all jobs of a run.
func (e *Ender) jobs(ctx context.Context, run string) iter.Seq2[fleet.Job, error] {
	return func(yield func(fleet.Job, error) bool) {
		var after fleet.ID
		for {
			page, err := e.Ledger.JobsPage(ctx, run, "", after, jobsPage)
			if err != nil {
				yield(fleet.Job{}, err)
				return
			}
			for _, j := range page {
				if !yield(j, nil) {
					return
				}
				after = j.ID
			}
			if len(page) < jobsPage {
				return
			}
		}
	}
}

// summarize counts a run that has ended, and logs the one line of a run that has ended. Workbooks count it:
// names and units of its attributes are a contract.
//
// duration_s, lag_s and job_s are of the last opening of the run, not of its
// first. duration_s counts from that opening. job_s is of the jobs opened or
// re-opened since. lag_s counts from when the run was due: the window's end where
// the schedule opened it, else that opening.
func (e *Ender) summarize(ctx context.Context, log *slog.Logger, run fleet.Run, t Totals, now time.Time) {
	due := run.Opening.At
	if run.Opening.Reason == fleet.BySchedule {
		due = run.Window.To
	}
	e.Metrics.RunEnded(ctx, run, t.State, run.Settings.OverBudget(t.Counts) != "", now.Sub(run.Opening.At), now.Sub(due))
	attrs := []any{
		"run", run.ID,
		"kind", run.Kind,
		"state", t.State,
		"epoch", run.Epoch,
		"reason", run.Reason,
		"aggregate", run.Settings.Aggregate,
		"max_failed", run.Settings.MaxFailed,
		"over_budget", run.Settings.OverBudget(t.Counts),
		"jobs", t.Counts.Total(),
	}
	for _, s := range fleet.JobStates {
		if s != fleet.Queued {
			attrs = append(attrs, string(s), t.Counts[s])
		}
	}
	attrs = append(attrs,
		"device_models", t.DeviceModels,
		"rows", t.Rows,
		"anomalies", t.Anomalies,
		"empty_buckets", t.EmptyBuckets,
		"duration_s", now.Sub(run.Opening.At).Seconds(),
		"lag_s", now.Sub(due).Seconds(),
		"job_s", t.Busy.Seconds(),
		"vcpus", runtime.GOMAXPROCS(0), // of an instance
	)
	log.Info("run ended", attrs...)
}

// Unchanged returns the condition under which a blob is still as it is now:
// that it has its present ETag, or is absent.
func Unchanged(ctx context.Context, files blob.Store, container, name string) (blob.Condition, error) {
	info, err := files.Stat(ctx, container, name)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return blob.Absent, nil
	case err != nil:
		return "", err
	}
	return blob.Condition(info.ETag), nil
}
