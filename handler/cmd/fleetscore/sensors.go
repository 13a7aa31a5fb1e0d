package main

import (
	"cmp"
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
	cmd := group("sensors", "List and show sensors, and disable or enable them",
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
	cmd.Flags().IntVar(&limit, "limit", 100, "largest number of sensors")
	cmd.Flags().StringVar(&after, "after", "", "list sensors after this device/sensor, for the next page")
	cmd.Flags().StringVar(&pattern, "sensors", "", "only these devices or sensors: a pattern such as 'pump-*' or 'pump-*/temperature'; * is any text")
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
	return cmp.Or(moment(s.Last), "-")
}

// shownSensor is the output of show --json.
type shownSensor struct {
	runs.Sensor
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Quality counts readings of a sensor in the span that are missing, duplicate,
	// conflicting or rejected. It is nil for a device model.
	Quality *runs.Quality `json:"quality,omitempty"`
	// Jobs are those in the span, the newest window first.
	Jobs []runs.Job `json:"jobs"`
}

func showSensorCommand(c console, api *client) *cobra.Command {
	var window windowFlags
	var out output
	cmd := &cobra.Command{
		Use:   "show SENSOR",
		Short: "Show a sensor or device model, with its jobs and the quality of its readings",
		Long: `Show a sensor or device model with its jobs in a span of time. For a sensor, also show
how many of its readings in the span are missing, duplicate, conflicting or rejected.
Without --from and --to the span is the last day that has runs. SENSOR is device/name.`,
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
			sensor, err := api.sensor(cmd.Context(), id)
			if err != nil {
				return err
			}
			shown, err := api.showSensor(cmd.Context(), sensor, query)
			if err != nil {
				return err
			}
			if !out.json && !out.csv {
				fmt.Fprintf(c.out, "%v  %s, last reading %s\n", sensor.ID, stateOf(sensor), lastOf(sensor))
				if shown.Quality != nil {
					fmt.Fprintln(c.out, qualityOf(*shown.Quality))
				}
			}
			t := listing{columns: []string{"run", "state", "rows", "anomalies", "model", "error"}}
			for _, j := range shown.Jobs {
				t.add(j.Run, j.State, j.Rows, j.Anomalies, j.Model, j.Error)
			}
			return c.write(out, t, shown)
		},
	}
	window.add(cmd, "the span")
	out.flags(cmd)
	return cmd
}

// showSensor gets the jobs and the quality of a sensor or device model in a span.
func (a *client) showSensor(ctx context.Context, sensor runs.Sensor, query url.Values) (shownSensor, error) {
	shown := shownSensor{Sensor: sensor, Jobs: []runs.Job{}}
	if sensor.DeviceModel == "" {
		query.Set("name", sensor.Name())
		var s runs.Subject
		err := a.call(ctx, http.MethodGet, "/sensor", query, nil, &s)
		shown.From, shown.To, shown.Quality = s.From, s.To, s.Quality
		shown.Jobs = append(shown.Jobs, s.Jobs...)
		return shown, err
	}
	var device runs.Device // it also has device models without a job
	err := a.call(ctx, http.MethodGet, "/device", query, nil, &device)
	shown.From, shown.To = device.From, device.To
	for _, j := range device.Jobs {
		if j.ID == sensor.ID {
			shown.Jobs = append(shown.Jobs, j)
		}
	}
	return shown, err
}

// qualityOf formats the quality of a sensor's readings.
func qualityOf(q runs.Quality) string {
	text := fmt.Sprintf("%d duplicate, %d conflict, %d rejected", q.Duplicate, q.Conflict, q.Rejected)
	if q.UsualSeconds != nil {
		every := time.Duration(*q.UsualSeconds * float64(time.Second)).Round(time.Millisecond)
		text = fmt.Sprintf("a reading each %v: %d missing, %s", every, *q.Missing, text)
	}
	return text
}

// sensor returns a registered sensor or device model. It returns [fleet.ErrNotFound] if
// there is none.
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

// switchSensorsCommand returns the command enable or disable.
func switchSensorsCommand(c console, api *client, name, done, short, long string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     name + " SENSORS",
		Short:   short,
		Long:    long + "\n\nSENSORS is device/sensor or a pattern, such as 'pump-*/temperature'. Without a slash it is\na device or a pattern of devices.",
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
			fmt.Fprintf(c.out, "%d sensors match, %d of them are now %s\n", s.Matched, s.Changed, done)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
