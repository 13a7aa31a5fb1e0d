package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
)

func anomaliesCommand(c console) *cobra.Command {
	api := new(client)
	var window windowFlags
	var pattern, sort string
	var limit, top int
	var out output
	cmd := &cobra.Command{
		Use:   "anomalies",
		Short: "List anomalies, or the sensors that had most of them",
		Long: `List the anomalous rows of a span of time. The newest window comes first; within a
window, rows are in the order of device and sensor. Without --from and --to the span
is the last day that has runs. --top ranks the sensors and device models by the
number of their anomalies instead: jobs count as a whole, and where the windows of a
sensor's jobs overlap, the longest counts.`,
		Example: `  fleetscore anomalies --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z --device 'pump-*' --csv
  fleetscore anomalies --top 10 --sort share`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := spanQuery(window)
			if err != nil {
				return err
			}
			if pattern != "" {
				query.Set("sensors", pattern)
			}
			if cmd.Flags().Changed("top") {
				return c.topAnomalies(cmd.Context(), api, query, top, sort, out)
			}
			if cmd.Flags().Changed("sort") {
				return usageError{fmt.Errorf("--sort goes with --top")}
			}
			return c.listAnomalies(cmd.Context(), api, query, limit, out)
		},
	}
	window.add(cmd, "the span")
	cmd.Flags().StringVar(&pattern, "device", "", "only these devices or sensors: a pattern such as 'pump-*' or 'pump-*/temperature'; * is any text")
	cmd.Flags().IntVar(&limit, "limit", 1000, "largest number of rows; 0 for all")
	cmd.Flags().IntVar(&top, "top", 10, "rank the sensors, and list this many, at most 1000")
	cmd.Flags().StringVar(&sort, "sort", "anomalies", "order of --top: anomalies, or share (anomalies of all rows)")
	out.flags(cmd)
	api.flags(cmd, c)
	return cmd
}

// spanQuery returns the parameters from and to. It returns none if the flags are not
// given.
func spanQuery(window windowFlags) (url.Values, error) {
	w, given, err := window.window()
	if err != nil || !given {
		return url.Values{}, err
	}
	return url.Values{"from": {w.From.Format(time.RFC3339)}, "to": {w.To.Format(time.RFC3339)}}, nil
}

func (c console) topAnomalies(ctx context.Context, api *client, query url.Values, n int, sort string, out output) error {
	query.Set("limit", strconv.Itoa(n))
	query.Set("sort", sort)
	var top runs.Top
	if err := api.call(ctx, http.MethodGet, "/anomalies/top", query, nil, &top); err != nil {
		return err
	}
	t := listing{columns: []string{"device", "sensor", "device_model", "anomalies", "rows", "share", "jobs"}}
	for _, r := range top.Sensors {
		t.add(r.Device, r.Sensor, r.DeviceModel, r.Anomalies, r.Rows, strconv.FormatFloat(r.Share, 'g', 3, 64), r.Jobs)
	}
	if !out.json && !out.csv {
		fmt.Fprintf(c.out, "%s to %s: %d sensors and device models had anomalies\n", top.From.Format(time.DateTime), top.To.Format(time.DateTime), top.Total)
		if top.Beyond {
			fmt.Fprintln(c.out, "windows of runs reach beyond this time: their jobs count as a whole")
		}
	}
	return c.write(out, t, top)
}

func (c console) listAnomalies(ctx context.Context, api *client, query url.Values, limit int, out output) error {
	list, err := api.anomalies(ctx, query, limit)
	if err != nil {
		return err
	}
	t := listing{columns: []string{"at", "device", "sensor", "device_model", "score", "run"}}
	for _, a := range list.Anomalies {
		score := ""
		if a.Score != nil {
			score = strconv.FormatFloat(*a.Score, 'g', -1, 64)
		}
		t.add(a.At.Format("2006-01-02T15:04:05.000Z07:00"), a.Device, a.Sensor, a.DeviceModel, score, a.Run)
	}
	if err := c.write(out, t, list); err != nil {
		return err
	}
	if list.Next != "" {
		fmt.Fprintf(c.err, "there are more: raise --limit\n")
	}
	if list.NotKept > 0 {
		fmt.Fprintf(c.err, "%d more are not listed: the database keeps the first 1,000 of a job, and the job's CSV has all\n", list.NotKept)
	}
	if !out.json && !out.csv && len(list.Anomalies) == 0 {
		fmt.Fprintf(c.out, "none from %s to %s\n", list.From.Format(time.DateTime), list.To.Format(time.DateTime))
	}
	return nil
}

// anomalies returns up to limit anomalous rows, or all if limit is 0.
func (a *client) anomalies(ctx context.Context, query url.Values, limit int) (all runs.AnomalyList, err error) {
	if limit < 0 {
		return all, usageError{fmt.Errorf("--limit %d is negative", limit)}
	}
	all.Anomalies = []runs.Anomaly{}
	for {
		page := 1000
		if limit > 0 {
			page = min(page, limit-len(all.Anomalies))
		}
		query.Set("limit", strconv.Itoa(page))
		var next runs.AnomalyList
		if err := a.call(ctx, http.MethodGet, "/anomalies", query, nil, &next); err != nil {
			return all, err
		}
		all.From, all.To, all.Next = next.From, next.To, next.Next
		all.Anomalies, all.NotKept = append(all.Anomalies, next.Anomalies...), all.NotKept+next.NotKept
		if next.Next == "" || limit > 0 && len(all.Anomalies) >= limit {
			return all, nil
		}
		query.Set("after", next.Next)
		query.Set("from", next.From.Format(time.RFC3339)) // the next page must be of the same span
		query.Set("to", next.To.Format(time.RFC3339))
	}
}
