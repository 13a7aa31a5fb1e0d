package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

const (
	// deleteRows is how many rows one transaction deletes of a table: few enough
	// for SQL Server not to lock the whole table.
	deleteRows = 2000
	// expiredPage is how many runs a tick deletes at most.
	expiredPage = 100
	// readingsMargin is how much longer than runs readings are kept. An
	// instance whose clock is behind may open a run over readings that are just
	// old enough to go.
	readingsMargin = 24 * time.Hour
)

// retain deletes the runs that were first opened longer ago than Retention, with
// their manifests, and readings a day older than that. The blobs that a manifest
// lists are left to a rule of the storage account, which has the same retention:
// as they were written after the run was opened, they outlive the manifest.
//
// Readings are kept where a run in the ledger may need them still, and where the
// schedule has not opened a run yet.
func (t *Ticker) retain(ctx context.Context, log *slog.Logger) error {
	if t.Retention == 0 {
		return nil
	}
	before := t.Now().Add(-t.Retention)
	runs, err := t.Ledger.ExpiredRuns(ctx, before, expiredPage)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if err := t.deleteRun(ctx, run, before); err != nil {
			return err
		}
	}
	readings, err := t.deleteReadings(ctx, before.Add(-readingsMargin).Truncate(time.Hour))
	if len(runs) > 0 || readings > 0 {
		log.Info("retention", "runs", len(runs), "readings", readings, "before", before)
	}
	return err
}

// deleteRun deletes a run, its manifest first: while a manifest is there, so are
// the files that it lists.
func (t *Ticker) deleteRun(ctx context.Context, run string, before time.Time) error {
	if err := t.Files.Delete(ctx, blob.Preds, ledger.ManifestName(run)); err != nil {
		return err
	}
	for {
		done, err := t.Ledger.DeleteRun(ctx, run, before, deleteRows)
		if err != nil || done {
			return err
		}
	}
}

// deleteReadings deletes the readings before a full hour that nothing needs any
// more. An hour is done once; where ctx ends before, the next tick goes on.
func (t *Ticker) deleteReadings(ctx context.Context, hour time.Time) (total int64, err error) {
	t.mu.Lock()
	done := !hour.After(t.cleared)
	t.mu.Unlock()
	if done {
		return 0, nil
	}
	upto, ok, err := t.Ledger.Watermark(ctx)
	if err != nil || !ok {
		return 0, err
	}
	lookback, err := t.Ledger.MaxLookback(ctx)
	if err != nil {
		return 0, err
	}
	if opened := upto.Add(-lookback); opened.Before(hour) {
		hour = opened
	}
	windows, err := t.Ledger.WindowsBefore(ctx, hour.Add(lookback))
	if err != nil {
		return 0, err
	}
	for _, gap := range gaps(windows, lookback, hour) {
		for next := int64(0); ; {
			var n int64
			if n, next, err = t.Ledger.DeleteReadings(ctx, gap, next, deleteRows); err != nil {
				return total, fmt.Errorf("readings in %s: %w", gap.RunID(), err)
			}
			total += n
			if next == 0 {
				break
			}
		}
	}
	t.mu.Lock()
	t.cleared = hour
	t.mu.Unlock()
	return total, nil
}

// gaps returns the stretches of time before end that none of windows, sorted by
// their beginnings, needs readings of, each from lookback before it.
func gaps(windows []fleet.Window, lookback time.Duration, end time.Time) []fleet.Window {
	var all []fleet.Window
	from := fleet.MinMillis.Time()
	for _, w := range windows {
		if to := w.From.Add(-lookback); from.Before(to) {
			all = append(all, fleet.Window{From: from, To: to})
		}
		if from.Before(w.To) {
			from = w.To
		}
	}
	if from.Before(end) {
		all = append(all, fleet.Window{From: from, To: end})
	}
	return all
}
