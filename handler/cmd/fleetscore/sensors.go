package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
)

func sensorsCommand(c console) *cobra.Command {
	api := new(client)
	cmd := group("sensors", "List sensors, and leave some out of runs",
		listSensorsCommand(c, api),
		switchSensorsCommand(c, api, "disable", "disabled", "Leave sensors out of runs opened from now on",
			`Leave sensors out of runs opened from now on. Their readings are stored as
before, and the jobs that they have in earlier runs stay.`),
		switchSensorsCommand(c, api, "enable", "enabled", "Take sensors into runs opened from now on",
			`Take sensors into runs opened from now on. To have them in an earlier run,
rescore it: see fleetscore runs rescore --sensors.`))
	api.flags(cmd, c)
	return cmd
}

func listSensorsCommand(c console, api *client) *cobra.Command {
	var limit int
	var after string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the registered sensors by device and name",
		Example: "  fleetscore sensors list --limit 1000\n  fleetscore sensors list --json | jq -r '.sensors[] | select(.enabled | not)'",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if after != "" {
				query.Set("after", after)
			}
			var list runs.SensorList
			if err := api.call(cmd.Context(), http.MethodGet, "/sensors", query, nil, &list); err != nil {
				return err
			}
			if asJSON {
				return c.writeJSON(list)
			}
			w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SENSOR\tSTATE\tLAST READING")
			for _, s := range list.Sensors {
				state, last := "disabled", "-"
				if s.Enabled {
					state = "enabled"
				}
				if !s.Last.IsZero() {
					last = s.Last.Format(time.DateTime)
				}
				fmt.Fprintf(w, "%v\t%s\t%s\n", s.ID, state, last)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if list.Next != "" {
				fmt.Fprintf(c.out, "there are more: --after %s\n", list.Next)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many, at most")
	cmd.Flags().StringVar(&after, "after", "", "only those after this device/sensor, for the next page")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// switchSensorsCommand is enable or disable.
func switchSensorsCommand(c console, api *client, name, done, short, long string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     name + " SENSORS",
		Short:   short,
		Long:    long + " SENSORS is a device/sensor, or a\npattern such as 'pump-*/temperature'; without a slash it is one over devices.",
		Example: "  fleetscore sensors " + name + " machine-01/temperature\n  fleetscore sensors " + name + " 'pump-*'",
		Args:    arguments("SENSORS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s runs.Switched
			if err := api.call(cmd.Context(), http.MethodPost, "/sensors/"+name, nil, runs.SwitchRequest{Sensors: args[0]}, &s); err != nil {
				return err
			}
			if asJSON {
				return c.writeJSON(s)
			}
			fmt.Fprintf(c.out, "%d sensors match, %d of them newly %s\n", s.Matched, s.Changed, done)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
