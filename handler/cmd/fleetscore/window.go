package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// windowFlags are the flags --from and --to.
type windowFlags struct{ from, to string }

func (w *windowFlags) add(cmd *cobra.Command, meaning string) {
	cmd.Flags().StringVar(&w.from, "from", "", "start of "+meaning+", such as 2026-03-01T00:00:00Z")
	cmd.Flags().StringVar(&w.to, "to", "", "end of "+meaning+", which does not include this time")
}

// window returns the window of the flags. ok is false if they are not given.
func (w windowFlags) window() (_ fleet.Window, ok bool, err error) {
	if w.from == "" && w.to == "" {
		return fleet.Window{}, false, nil
	}
	if w.from == "" || w.to == "" {
		return fleet.Window{}, false, usageError{fmt.Errorf("--from and --to go together")}
	}
	from, err := fleet.ParseMillis(w.from)
	if err != nil {
		return fleet.Window{}, false, usageError{fmt.Errorf("--from: %w", err)}
	}
	to, err := fleet.ParseMillis(w.to)
	if err != nil {
		return fleet.Window{}, false, usageError{fmt.Errorf("--to: %w", err)}
	}
	window, err := outwards(from, to)
	return window, true, err
}

// outwards returns the window from one time up to, and not including, another. It rounds
// the first down and the second up to whole seconds.
func outwards(from, to fleet.Millis) (fleet.Window, error) {
	return fleet.NewWindow(from.Time().Truncate(time.Second), (to + 999).Time().Truncate(time.Second))
}
