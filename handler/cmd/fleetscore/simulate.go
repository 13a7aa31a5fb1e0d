package main

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

func simulateCommand(c console) *cobra.Command {
	pumps := simulate.Fleet{}
	var window windowFlags
	var csv, truth bool
	var hub hubFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Send or write the readings of a simulated fleet",
		Long: `Send the readings of a simulated fleet to an event hub, or write them as CSV.

Each device has four sensors: temperature, pressure, vibration and current. It is known
which readings are anomalies. The same seed gives the same readings. With --from and
--to, the readings of that span are sent at once. Without them, readings are sent as
time passes, until Ctrl-C.` + hubHelp,
		Example: `  fleetscore simulate --csv --truth --from 2026-03-01T00:00:00Z --to 2026-03-01T01:00:00Z
  fleetscore simulate --devices 50 --every 1s
  azd exec go run ./handler/cmd/fleetscore simulate`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, given, err := window.window()
			if err != nil {
				return err
			}
			if err := check(pumps); err != nil {
				return err
			}
			if csv || truth {
				if !given {
					return usageError{fmt.Errorf("--csv needs --from and --to")}
				}
				return c.writeSamples(pumps, w, truth)
			}
			h, err := hub.open(c, cmd)
			if err == nil {
				err = answers(cmd.Context(), h.URL)
			}
			if err != nil {
				return err
			}
			if given {
				return c.sendWindow(cmd.Context(), h, pumps, w)
			}
			fmt.Fprintf(c.err, "sending the readings of %d sensors, one each %v, until Ctrl-C\n", len(pumps.Sensors()), pumps.Every)
			return sendLive(cmd.Context(), h, pumps, time.Now().UTC().Truncate(time.Second))
		},
	}
	fleetFlags(cmd, &pumps)
	cmd.Flags().BoolVar(&pumps.Healthy, "healthy", false, "simulate no anomalies, for training data")
	window.add(cmd, "the span")
	cmd.Flags().BoolVar(&csv, "csv", false, "write CSV to stdout instead of sending")
	cmd.Flags().BoolVar(&truth, "truth", false, "write CSV with a column Anomaly: 1 for an anomaly, 0 for normal")
	hub.add(c, cmd)
	return cmd
}

func fleetFlags(cmd *cobra.Command, pumps *simulate.Fleet) {
	cmd.Flags().Uint64Var(&pumps.Seed, "seed", 1, "seed of the simulated fleet")
	cmd.Flags().IntVar(&pumps.Devices, "devices", 3, "number of devices, with four sensors each")
	cmd.Flags().DurationVar(&pumps.Every, "every", 10*time.Second, "time between two readings of a sensor")
}

func check(f simulate.Fleet) error {
	if f.Devices < 1 {
		return usageError{fmt.Errorf("--devices must be at least 1")}
	}
	if f.Every < time.Millisecond || f.Every%time.Millisecond != 0 {
		return usageError{fmt.Errorf("--every must be whole milliseconds, such as 10s or 250ms")}
	}
	return nil
}

func (c console) writeSamples(f simulate.Fleet, w fleet.Window, truth bool) error {
	out := bufio.NewWriter(c.out)
	head := "TS,Device,Sensor,Val"
	if truth {
		head += ",Anomaly"
	}
	fmt.Fprintln(out, head)
	for s := range f.Samples(w) {
		fmt.Fprintf(out, "%v,%s,%s,%v", s.Time, s.ID.Device, s.ID.Sensor, s.Value)
		if truth {
			fmt.Fprintf(out, ",%d", map[bool]int{true: 1}[s.Anomaly])
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// readings returns the readings of a fleet in a window.
func readings(f simulate.Fleet, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		for s := range f.Samples(w) {
			if !yield(s.Reading, nil) {
				return
			}
		}
	}
}

func (c console) sendWindow(ctx context.Context, h *simulate.Hub, f simulate.Fleet, w fleet.Window) error {
	n := len(f.Sensors()) * int(w.To.Sub(w.From)/f.Every)
	bar := c.progress("sending readings", n)
	defer bar.end()
	return h.Send(ctx, readings(f, w), bar.add)
}

// sendLive sends the readings of a fleet as time passes, from a time on, until ctx ends.
// Each second it sends the readings of the second before.
func sendLive(ctx context.Context, h *simulate.Hub, f simulate.Fleet, from time.Time) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
		}
		to := time.Now().UTC().Truncate(time.Second)
		if !from.Before(to) {
			continue
		}
		if err := h.Send(ctx, readings(f, fleet.Window{From: from, To: to}), nil); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		from = to
	}
}
