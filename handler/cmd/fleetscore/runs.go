package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

func runsCommand(c console) *cobra.Command {
	api := new(client)
	cmd := group("runs", "List, show, watch, open, rescore and cancel runs",
		listRunsCommand(c, api), showRunCommand(c, api), watchRunCommand(c, api), openRunCommand(c, api), rescoreCommand(c, api), cancelCommand(c, api))
	api.flags(cmd, c)
	return cmd
}

func listRunsCommand(c console, api *client) *cobra.Command {
	var limit int
	var before string
	var out output
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List runs, the newest window first",
		Example: "  fleetscore runs list --limit 10\n  fleetscore runs list --json | jq -r '.runs[] | select(.state == \"degraded\").id'",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if before != "" {
				query.Set("before", before)
			}
			var list runs.RunList
			if err := api.call(cmd.Context(), http.MethodGet, "/runs", query, nil, &list); err != nil {
				return err
			}
			t := listing{columns: []string{"run", "kind", "state", "jobs", "failed", "anomalies", "epoch", "reason", "opened", "took"}}
			for _, r := range list.Runs {
				var jobs, failed, anomalies any = "", "", "" // of a run that is open
				if r.Sum != nil {
					jobs, failed, anomalies = r.Sum.Jobs, r.Sum.Failed, r.Sum.Anomalies
				}
				t.add(r.ID, r.Kind, r.State, jobs, failed, anomalies, r.Epoch, r.Reason, opened(r).Format(time.DateTime), took(r))
			}
			return c.write(out, t, list)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "largest number of runs")
	cmd.Flags().StringVar(&before, "before", "", "list runs before this one, for the next page")
	out.flags(cmd)
	return cmd
}

// opened returns the time at which a run was opened last.
func opened(r runs.Run) time.Time {
	if r.ReopenedAt.IsZero() {
		return r.OpenedAt
	}
	return r.ReopenedAt
}

// took returns how long a run was open since it was opened last. It is empty for a run
// that is open.
func took(r runs.Run) string {
	if r.EndedAt.IsZero() {
		return ""
	}
	return r.EndedAt.Sub(opened(r)).Round(time.Millisecond).String()
}

func showRunCommand(c console, api *client) *cobra.Command {
	var state string
	var out output
	cmd := &cobra.Command{
		Use:     "show RUN",
		Short:   "Show a run, with the result or error of each job",
		Example: "  fleetscore runs show 20260301T110000Z-20260301T120000Z\n  fleetscore runs show 20260301T110000Z-20260301T120000Z --state bad_model",
		Args:    arguments("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := api.show(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			jobs, err := api.jobs(cmd.Context(), run.ID, state)
			if err != nil {
				return err
			}
			if out.json || out.csv {
				return c.write(out, tableOfJobs(jobs), shownRun{run, jobs})
			}
			return writeRun(c.out, run, jobs)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only jobs in this state, such as failed or no_model")
	out.flags(cmd)
	return cmd
}

// shownRun is the output of show --json.
type shownRun struct {
	runs.Run
	Jobs []runs.Job `json:"jobs"`
}

// tableOfJobs is the output of show --csv.
func tableOfJobs(jobs []runs.Job) listing {
	t := listing{columns: []string{"device", "sensor", "device_model", "state", "rows", "anomalies", "duration_ms", "model", "model_sha256", "file", "sha256", "error", "error_log"}}
	for _, j := range jobs {
		t.add(j.Device, j.Sensor, j.DeviceModel, j.State, j.Rows, j.Anomalies, j.DurationMS, j.Model, j.ModelSHA256, j.File, j.SHA256, j.Error, j.ErrorLog)
	}
	return t
}

func writeRun(to io.Writer, run runs.Run, jobs []runs.Job) error {
	fmt.Fprintf(to, "%s  %s, %s, epoch %d", run.ID, run.State, run.Kind, run.Epoch)
	if run.Settings.Aggregate != "" {
		fmt.Fprintf(to, ", %s", run.Settings.Aggregate)
	}
	fmt.Fprintf(to, "\n%d of %d jobs done", run.Progress.Closed, run.Progress.Jobs)
	for _, state := range fleet.JobStates {
		if n := run.Progress.Counts[state]; n > 0 {
			fmt.Fprintf(to, ", %d %s", n, state)
		}
	}
	fmt.Fprintln(to)
	if run.OverBudget != "" {
		fmt.Fprintf(to, "over budget: %s (SCORE_MAX_FAILED=%s)\n", run.OverBudget, run.Settings.MaxFailed)
	}
	if err := writeEpochs(to, run.Epochs); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSENSOR OR MODEL\tSTATE\tROWS\tANOMALIES\tTIME\tMODEL\tERROR")
	for _, j := range jobs {
		fmt.Fprintf(w, "%v\t%s\t%d\t%d\t%.0f ms\t%s\t%s\n", j.ID, j.State, j.Rows, j.Anomalies, j.DurationMS, j.Model, j.Error)
	}
	return w.Flush()
}

// writeEpochs writes a table of the epochs of a run, if it was opened more than once.
func writeEpochs(to io.Writer, epochs []runs.Epoch) error {
	if len(epochs) < 2 {
		return nil
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nEPOCH\tREASON\tJOBS\tOPENED\tENDED")
	for _, e := range slices.Backward(epochs) {
		ended := "-"
		if !e.EndedAt.IsZero() {
			ended = e.EndedAt.Format(time.DateTime)
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\n", e.Epoch, e.Reason, e.Jobs, e.OpenedAt.Format(time.DateTime), ended)
	}
	return w.Flush()
}

func openRunCommand(c console, api *client) *cobra.Command {
	var window windowFlags
	var out output
	cmd := &cobra.Command{
		Use:     "open",
		Short:   "Score a past window now",
		Long:    "Score a past window now. A window has one run; to score it again, see rescore.",
		Example: "  fleetscore runs open --from 2026-03-01T11:00:00Z --to 2026-03-01T12:00:00Z",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, given, err := window.window()
			if err != nil {
				return err
			}
			if !given {
				return usageError{fmt.Errorf("--from and --to are missing: they name the window")}
			}
			run, err := api.open(cmd.Context(), w.From, w.To)
			if err != nil {
				return err
			}
			c.warn(run.Warning)
			return c.writeChanged(out, run.Run, openResults[run.Result], run)
		},
	}
	window.add(cmd, "the window")
	out.flags(cmd)
	return cmd
}

// openResults are the messages for the results of a request to open a run.
var openResults = map[runs.OpenResult]string{
	runs.NewRun:   "the run is opened, and its messages are being sent",
	runs.FoundRun: "there is a run over this window already, and it is open",
	runs.EndedRun: "there is a run over this window already, and it has ended; to score it again, see fleetscore runs rescore",
}

func rescoreCommand(c console, api *client) *cobra.Command {
	var req runs.RescoreRequest
	var states []string
	var current bool
	var out output
	cmd := &cobra.Command{
		Use:   "rescore RUN",
		Short: "Score sensors of a run again, with the models as they are now",
		Long: `Score sensors of a run again, with the models as they are now: all sensors, or those
that --sensors or --job, and --states choose. Enabled sensors that match and are not in the run
are added. The run keeps its settings. With --current-settings it takes over the
present settings, and all its sensors are scored again.`,
		Example: `  fleetscore runs rescore 20260301T110000Z-20260301T120000Z --states bad_model,failed
  fleetscore runs rescore 20260301T110000Z-20260301T120000Z --sensors 'machine-01/*'`,
		Args: arguments("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, s := range states {
				if !slices.Contains(fleet.JobStates, fleet.JobState(s)) {
					return usageError{fmt.Errorf("--states: %q is not one of %v", s, fleet.JobStates)}
				}
				req.States = append(req.States, fleet.JobState(s))
			}
			if current {
				req.Settings = "current"
			}
			var r runs.Rescored
			if err := api.call(cmd.Context(), http.MethodPost, "/runs/"+url.PathEscape(args[0])+"/rescore", nil, req, &r); err != nil {
				return err
			}
			c.warn(r.Warning)
			return c.writeChanged(out, r.Run, fmt.Sprintf("%d jobs re-opened, %d added", r.Reopened, r.Added), r)
		},
	}
	cmd.Flags().StringVar(&req.Sensors, "sensors", "", "only these devices or sensors: a pattern such as 'pump-*' or 'pump-*/temperature'; * is any text")
	cmd.Flags().StringVar(&req.Job, "job", "", "only the job of this sensor or device model, DEVICE/NAME, whatever characters are in it")
	cmd.MarkFlagsMutuallyExclusive("sensors", "job")
	cmd.Flags().StringSliceVar(&states, "states", nil, "only jobs in these states, such as bad_model,failed")
	cmd.Flags().BoolVar(&current, "current-settings", false, "take over the present settings")
	out.flags(cmd)
	return cmd
}

func cancelCommand(c console, api *client) *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "cancel RUN",
		Short:   "Cancel a run: sensors that are not scored yet are left out",
		Example: "  fleetscore runs cancel 20260301T110000Z-20260301T120000Z",
		Args:    arguments("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var run runs.Run
			if err := api.call(cmd.Context(), http.MethodPost, "/runs/"+url.PathEscape(args[0])+"/cancel", nil, nil, &run); err != nil {
				return err
			}
			return c.writeChanged(out, run, "", run)
		},
	}
	out.flags(cmd)
	return cmd
}

// warn writes a warning of the API, if it is not empty.
func (c console) warn(text string) {
	if text != "" {
		fmt.Fprintf(c.err, "warning: %s\n", text)
	}
}

// writeChanged writes a run that was opened or changed. As text it follows the line done.
func (c console) writeChanged(o output, run runs.Run, done string, whole any) error {
	if o.json || o.csv {
		t := listing{columns: []string{"run", "state", "kind", "epoch", "jobs", "closed"}}
		t.add(run.ID, run.State, run.Kind, run.Epoch, run.Progress.Jobs, run.Progress.Closed)
		return c.write(o, t, whole)
	}
	if done != "" {
		fmt.Fprintln(c.out, done)
	}
	return writeRun(c.out, run, nil)
}
