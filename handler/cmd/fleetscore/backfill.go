package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

func backfillCommand(c console) *cobra.Command {
	api := new(client)
	var window windowFlags
	var b backfill
	var dryRun bool
	var out output
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Score the windows of the schedule that have no run",
		Long: `Score the windows of the schedule that lie in a span of the past and have no run.
A window has no run if it is older than the app, or if its run was deleted.

The oldest window is scored first. Only a few runs are open at a time, so that new
windows need not wait. Windows that the schedule will open itself are left to it.
If the command is stopped, start it again: it goes on with the windows that are left.`,
		Example: `  fleetscore backfill --from 2026-02-01T00:00:00Z --to 2026-03-01T00:00:00Z --dry-run
  fleetscore backfill --from 2026-02-01T00:00:00Z --to 2026-03-01T00:00:00Z --sensors 'pump-*'`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.atOnce < 1 || b.atOnce > 24 {
				return usageError{fmt.Errorf("--at-once %d is not between 1 and 24", b.atOnce)}
			}
			query, err := spanQuery(window)
			if err != nil {
				return err
			}
			if len(query) == 0 {
				return usageError{fmt.Errorf("--from and --to are missing: they name the span")}
			}
			windows, err := api.windows(cmd.Context(), query)
			if err != nil {
				return err
			}
			if dryRun {
				return c.writeWindows(out, windows)
			}
			return c.backfill(cmd.Context(), api, b, windows, out)
		},
	}
	window.add(cmd, "the span")
	cmd.Flags().StringVar(&b.sensors, "sensors", "", "only these devices or sensors: a pattern such as 'pump-*' or 'pump-*/temperature'; * is any text")
	cmd.Flags().IntVar(&b.atOnce, "at-once", 2, "number of runs that are open at a time, 1 to 24")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only list the windows, and say which have no run")
	out.flags(cmd)
	api.flags(cmd, c)
	return cmd
}

// windows returns the windows of the schedule in a span.
func (a *client) windows(ctx context.Context, query url.Values) (all []runs.Window, err error) {
	query.Set("limit", "1000")
	for {
		var page runs.WindowList
		if err := a.call(ctx, http.MethodGet, "/windows", query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Windows...)
		if page.Next.IsZero() {
			return all, nil
		}
		query.Set("from", page.Next.Format(time.RFC3339))
	}
}

func (c console) writeWindows(out output, windows []runs.Window) error {
	t := listing{columns: []string{"run", "from", "to", "status"}}
	missing := 0
	for _, w := range windows {
		t.add(w.Run, moment(w.From), moment(w.To), w.Status)
		if w.Status == runs.WindowMissing {
			missing++
		}
	}
	if err := c.write(out, t, runs.WindowList{Windows: append([]runs.Window{}, windows...)}); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%d windows, %d of them without a run\n", len(windows), missing)
	return nil
}

// backfill are the options of the command backfill.
type backfill struct {
	sensors string // a pattern; empty is all sensors
	atOnce  int    // the number of runs that are open at a time
}

// backfilled is the output of backfill --json.
type backfilled struct {
	Runs []runs.Run `json:"runs"` // the runs that it opened, in the order of their windows
}

// backfill opens a run for each window that has none, the oldest first, and waits until
// all have ended. At most b.atOnce runs are open at a time.
func (c console) backfill(ctx context.Context, api *client, b backfill, windows []runs.Window, out output) error {
	var missing []runs.Window
	for _, w := range windows {
		if w.Status == runs.WindowMissing {
			missing = append(missing, w)
		}
	}
	bar := c.progress("windows scored", len(missing))
	done := backfilled{Runs: make([]runs.Run, len(missing))}
	g, ctx := spawn.WithContext(ctx)
	g.SetLimit(b.atOnce)
	for i, w := range missing {
		if ctx.Err() != nil {
			break // one has failed
		}
		g.Start(func() error {
			var run runs.Opened
			if err := api.call(ctx, http.MethodPost, "/runs", nil, runs.OpenRequest{From: w.From, To: w.To, Sensors: b.sensors}, &run); err != nil {
				return fmt.Errorf("window %s: %w", w.Run, err)
			}
			ended, err := api.wait(ctx, run.ID, nil)
			if err != nil {
				return fmt.Errorf("run %s: %w", run.ID, err)
			}
			done.Runs[i] = ended
			bar.add(1)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	bar.end()
	t := listing{columns: []string{"run", "state", "jobs", "scored"}}
	for _, r := range done.Runs {
		t.add(r.ID, r.State, r.Progress.Jobs, r.Progress.Counts["scored"])
	}
	if err := c.write(out, t, done); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%d windows scored; %d others have a run, or the schedule opens them\n", len(missing), len(windows)-len(missing))
	return nil
}
