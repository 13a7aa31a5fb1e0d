package main

import (
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
)

func ingestStatusCommand(c console) *cobra.Command {
	api := new(client)
	var span string
	var out output
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how many readings were stored, refused, or wait",
		Long: `Show what ingest did in the last hour, day, week or month: how many readings it
stored, why it refused others, with an example of each reason, and how many batches
wait for SQL. --csv writes a row for each part of that time.`,
		Example: "  fleetscore ingest status\n  fleetscore ingest status --range day --json | jq .spill",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var in runs.Ingest
			if err := api.call(cmd.Context(), http.MethodGet, "/ingest", url.Values{"range": {span}}, nil, &in); err != nil {
				return err
			}
			if out.json || out.csv {
				return c.write(out, tableOfIngest(in), in)
			}
			return c.writeIngest(in)
		},
	}
	cmd.Flags().StringVar(&span, "range", "hour", "how far back: hour, day, week or month")
	out.flags(cmd)
	api.flags(cmd, c)
	return cmd
}

func tableOfIngest(in runs.Ingest) listing {
	t := listing{columns: []string{"from", "events", "stored", "duplicate", "conflict", "missing", "rejected", "lag_seconds"}}
	for _, p := range in.Columns {
		t.add(p.From.Format(time.RFC3339), p.Events, p.Stored, p.Duplicate, p.Conflict, p.Missing, p.Rejected, p.LagSeconds)
	}
	return t
}

func (c console) writeIngest(in runs.Ingest) error {
	fmt.Fprintf(c.out, "%s to %s\n", in.From.Format(time.DateTime), in.To.Format(time.DateTime))
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	s := in.Sum
	for _, row := range []struct {
		n    int
		text string
	}{{s.Events, "events"}, {s.Stored, "readings stored"}, {s.Duplicate, "copies"}, {s.Missing, "missing values"}, {s.Conflict, "conflicts"}, {s.Rejected, "rejected"}} {
		fmt.Fprintf(w, "%d\t %s\n", row.n, row.text)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "longest lag %v\n", time.Duration(s.LagSeconds*float64(time.Second)).Round(100*time.Millisecond))
	if n := in.Spill.Batches; n > 0 {
		fmt.Fprintf(c.out, "%d batches wait to be stored, %d bytes, the oldest since %s: the tick stores them when SQL answers again\n", n, in.Spill.Bytes, in.Spill.Oldest.Format(time.DateTime))
	}
	for _, r := range in.Refusals {
		fmt.Fprintf(c.out, "\n%d refused: %s\n  such as: %s\n", r.Count, r.Reason, r.Example)
		if r.DeadLetter != "" {
			fmt.Fprintf(c.out, "  to see it: fleetscore deadletter show %s\n", r.DeadLetter)
		}
	}
	return nil
}
