package main

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

func watchRunCommand(c console, api *client) *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "watch [RUN]",
		Short: "Wait until a run has ended, and show its result",
		Long: `Wait until a run has ended, and show its result. Without RUN it is the newest run that
is open, or the next one that is opened. The exit code is 1 if the run failed or was
cancelled.`,
		Example: "  fleetscore runs watch\n  fleetscore runs watch 20260301T110000Z-20260301T120000Z && echo done",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return arguments("RUN")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			var id string
			if len(args) == 1 {
				id = args[0]
			}
			for id == "" {
				var list runs.RunList
				if err := api.call(ctx, http.MethodGet, "/runs", url.Values{"limit": {"100"}}, nil, &list); err != nil {
					return err
				}
				for _, r := range list.Runs {
					if r.State.Open() {
						id = r.ID
						break
					}
				}
				if id == "" {
					if err := pause(ctx, time.Second); err != nil {
						return err
					}
				}
			}
			run, err := api.show(ctx, id)
			if err != nil {
				return err
			}
			bar := c.progress(id, run.Progress.Jobs)
			if run, err = api.wait(ctx, id, bar); err != nil {
				return err
			}
			bar.end()
			t := listing{columns: []string{"run", "state", "jobs", "scored", "failed"}}
			counts := run.Progress.Counts
			t.add(run.ID, run.State, run.Progress.Jobs, counts[fleet.Scored], counts[fleet.BadModel]+counts[fleet.BadData]+counts[fleet.Failed])
			if out.json || out.csv {
				err = c.write(out, t, run)
			} else {
				err = writeRun(c.out, run, nil)
			}
			if err == nil && (run.State == fleet.RunFailed || run.State == fleet.RunCancelled) {
				err = fmt.Errorf("run %s has ended as %s", run.ID, run.State)
			}
			return err
		},
	}
	out.flags(cmd)
	return cmd
}
