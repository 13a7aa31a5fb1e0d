package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

func sensorsCommand(c console) *cobra.Command {
	api := new(client)
	cmd := group("sensors", "List and show sensors, and leave some out of runs",
		listSensorsCommand(c, api), showSensorCommand(c, api),
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
	var after, pattern string
	var out output
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
			if pattern != "" {
				query.Set("sensors", pattern)
			}
			var list runs.SensorList
			if err := api.call(cmd.Context(), http.MethodGet, "/sensors", query, nil, &list); err != nil {
				return err
			}
			t := listing{columns: []string{"sensor", "state", "last_reading"}}
			for _, s := range list.Sensors {
				t.add(s.ID, stateOf(s), lastOf(s))
			}
			if err := c.write(out, t, list); err != nil {
				return err
			}
			if list.Next != "" {
				fmt.Fprintf(c.err, "there are more: --after %s\n", list.Next)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many, at most")
	cmd.Flags().StringVar(&after, "after", "", "only those after this device/sensor, for the next page")
	cmd.Flags().StringVar(&pattern, "sensors", "", "only these, a pattern for devices or device/sensor, such as 'pump-*/temperature'; * is any text")
	out.flags(cmd)
	return cmd
}

func stateOf(s runs.Sensor) string {
	if s.Enabled {
		return "enabled"
	}
	return "disabled"
}

func lastOf(s runs.Sensor) string {
	if s.Last.IsZero() {
		return "-"
	}
	return s.Last.Format(time.DateTime)
}

// shownSensor is what show writes.
type shownSensor struct {
	runs.Sensor
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Jobs are those in the span, the newest window first.
	Jobs []runs.Job `json:"jobs"`
}

func showSensorCommand(c console, api *client) *cobra.Command {
	var window windowFlags
	var out output
	cmd := &cobra.Command{
		Use:     "show SENSOR",
		Short:   "Show a sensor or device model, and what its jobs came to",
		Long:    "Show a sensor or device model, and what its jobs came to: those of a span, or of the last\nday that has runs. SENSOR is device/name.",
		Example: "  fleetscore sensors show machine-01/temperature",
		Args:    arguments("SENSOR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := fleet.ParseID(args[0])
			if err != nil {
				return usageError{err}
			}
			query, err := spanQuery(window)
			if err != nil {
				return err
			}
			query.Set("device", id.Device)
			var device runs.Device
			if err := api.call(cmd.Context(), http.MethodGet, "/device", query, nil, &device); err != nil {
				return err
			}
			sensor, err := api.sensor(cmd.Context(), id)
			if err != nil {
				return err
			}
			shown := shownSensor{sensor, device.From, device.To, []runs.Job{}}
			for _, j := range device.Jobs {
				if j.ID == sensor.ID {
					shown.Jobs = append(shown.Jobs, j)
				}
			}
			if !out.json && !out.csv {
				fmt.Fprintf(c.out, "%v  %s, last reading %s\n", sensor.ID, stateOf(sensor), lastOf(sensor))
			}
			t := listing{columns: []string{"run", "state", "rows", "anomalies", "model", "error"}}
			for _, j := range shown.Jobs {
				t.add(j.Run, j.State, j.Rows, j.Anomalies, j.Model, j.Error)
			}
			return c.write(out, t, shown)
		},
	}
	window.add(cmd, "the jobs of a span")
	out.flags(cmd)
	return cmd
}

// sensor returns the registered sensor or device model of that name.
func (a *client) sensor(ctx context.Context, id fleet.ID) (runs.Sensor, error) {
	query := url.Values{"sensors": {id.Device}, "limit": {"1000"}}
	for {
		var page runs.SensorList
		if err := a.call(ctx, http.MethodGet, "/sensors", query, nil, &page); err != nil {
			return runs.Sensor{}, err
		}
		for _, s := range page.Sensors {
			if s.Device == id.Device && s.Name() == id.Name() {
				return s, nil
			}
		}
		if page.Next == "" {
			return runs.Sensor{}, fmt.Errorf("%v: %w: the device has no sensor or device model of that name", id, fleet.ErrNotFound)
		}
		query.Set("after", page.Next)
	}
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
