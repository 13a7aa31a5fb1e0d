package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

func scheduleCommand(c console) *cobra.Command {
	return group("schedule", "Show the windows of the schedule", previewCommand(c))
}

// scheduledWindow is a window of the schedule.
type scheduledWindow struct {
	Run  string    `json:"run"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Due  time.Time `json:"due"` // the time at which its run is opened
}

func previewCommand(c console) *cobra.Command {
	var expr, zone, from string
	var count int
	var out output
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show the next windows of a schedule",
		Long: `Show the next windows of a schedule, and when each is scored. A window that is longer
or shorter than the one before is marked with *. The cause is a change of the clocks,
or a schedule with unequal intervals.`,
		Example: `  fleetscore schedule preview
  fleetscore schedule preview --schedule '0 0 6,14,22 * * MON-FRI' --time-zone Europe/Berlin --from 2026-10-23 --count 12`,
		Args: arguments(),
	}
	cmd.Flags().StringVar(&expr, "schedule", c.setting("SCORE_SCHEDULE"), "schedule, an NCRONTAB expression of six fields (setting SCORE_SCHEDULE)")
	cmd.Flags().StringVar(&zone, "time-zone", c.setting("SCORE_TIME_ZONE"), "time zone of the schedule (setting SCORE_TIME_ZONE)")
	cmd.Flags().StringVar(&from, "from", "", "show windows that end after this time; without a zone it is in that of the schedule (default: now)")
	cmd.Flags().IntVarP(&count, "count", "n", 10, "number of windows, 1 to 1000")
	out.flags(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if count < 1 || count > 1000 {
			return usageError{fmt.Errorf("--count %d is not between 1 and 1000", count)}
		}
		cfg, err := config.FromEnv(func(name string) string {
			switch name {
			case "SCORE_SCHEDULE":
				return expr
			case "SCORE_TIME_ZONE":
				return zone
			}
			return c.setting(name)
		})
		if err != nil {
			return err
		}
		at := time.Now()
		if from != "" {
			ts, err := parseTime("from", from, cfg.Schedule.Zone())
			if err != nil {
				return err
			}
			at = ts.Time()
		}
		windows, err := preview(cfg, at, count)
		if err != nil {
			return err
		}
		if out.json || out.csv {
			t := listing{columns: []string{"run", "from", "to", "due"}}
			for _, w := range windows {
				t.add(w.Run, moment(w.From), moment(w.To), moment(w.Due))
			}
			return c.write(out, t, windows)
		}
		return c.tableOfWindows(windows, cfg.Schedule.Zone())
	}
	return cmd
}

// preview returns the first count windows that end after at.
func preview(cfg config.Config, at time.Time, count int) ([]scheduledWindow, error) {
	from := cfg.Schedule.Last(at)
	if from.IsZero() {
		return nil, fmt.Errorf("%w: the schedule %q has not fired before %s: give a later --from", fleet.ErrInvalid, cfg.Schedule, at.UTC().Format(time.RFC3339))
	}
	windows := []scheduledWindow{}
	for len(windows) < count {
		to := cfg.Schedule.Next(from)
		if to.IsZero() {
			break // the schedule never fires again
		}
		w, err := fleet.NewWindow(from, to)
		if err != nil {
			return nil, err
		}
		windows = append(windows, scheduledWindow{w.RunID(), w.From, w.To, w.To.Add(cfg.Delay)})
		from = to
	}
	return windows, nil
}

func (c console) tableOfWindows(windows []scheduledWindow, zone *time.Location) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "FROM (UTC)\tTO (UTC)\tLENGTH\tENDS (%s)\tSCORED FROM (UTC)\n", zone)
	const layout = "2006-01-02 15:04:05"
	var before time.Duration
	for _, v := range windows {
		length := v.To.Sub(v.From)
		mark := ""
		if before != 0 && length != before {
			mark = " *"
		}
		before = length
		fmt.Fprintf(w, "%s\t%s\t%v%s\t%s\t%s\n", v.From.Format(layout), v.To.Format(layout), length, mark, v.To.In(zone).Format("Mon "+layout+" -07:00"), v.Due.Format(layout))
	}
	return w.Flush()
}
