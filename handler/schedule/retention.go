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
	// deleteRows is the number of rows that one transaction deletes from a table. SQL
	// Server locks the whole table if they are many more.
	deleteRows = 2000
	// expiredPage is the largest number of runs that a tick deletes.
	expiredPage = 100
	// readingsMargin is how much longer than runs readings are kept. An instance whose
	// clock is slow may still open a run over readings that are just old enough to be
	// deleted.
	readingsMargin = 24 * time.Hour
)

// retain deletes runs that were first opened longer ago than Retention, with their manifests,
// and readings that are a day older than that. It does not delete the blobs that a manifest
// lists. A rule of the storage account with the same retention does. They were written after
// the run was opened, so they exist at least as long as the manifest.
//
// It keeps readings that a run in the ledger may still need, and readings for which the
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

// deleteRun deletes a run. It deletes the manifest first, so that a manifest never lists files
// that are deleted.
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

// deleteReadings deletes readings before a full hour that no run needs. It does so once an
// hour. If ctx ends before it has finished, the next tick goes on.
func (t *Ticker) deleteReadings(ctx context.Context, hour time.Time) (total int64, err error) {
	t.mu.Lock()
	done := !hour.After(t.cleared)
	t.mu.Unlock()
	if done {
		return 0, nil
	}
	if err := t.Ledger.DeleteFaults(ctx, hour); err != nil {
		return 0, err
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

// gaps returns the times before end whose readings no window needs. A window needs the readings
// from lookback before it to its end. Windows are sorted by their beginnings.
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
