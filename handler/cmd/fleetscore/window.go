package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// windowFlags are the flags --from and --to.
type windowFlags struct{ from, to string }

func (w *windowFlags) add(cmd *cobra.Command, meaning string) {
	cmd.Flags().StringVar(&w.from, "from", "", "start of "+meaning+", such as 2026-03-01T00:00:00Z; a time or date without a zone is in UTC")
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
	from, err := parseTime("from", w.from, time.UTC)
	if err != nil {
		return fleet.Window{}, false, err
	}
	to, err := parseTime("to", w.to, time.UTC)
	if err != nil {
		return fleet.Window{}, false, err
	}
	window, err := outwards(from, to)
	return window, true, err
}

// parseTime reads the time that a flag has, such as 2026-03-01T07:00:00Z, 2026-03-01 07:00
// or 2026-03-01. The zone is that of times without one.
func parseTime(flag, text string, zone *time.Location) (fleet.Millis, error) {
	at, err := timestamp.Parse(text, timestamp.Format{Zone: zone})
	if err != nil {
		return 0, usageError{fmt.Errorf("--%s %.80q: write a time such as 2026-11-27T07:00:00Z, or a date such as 2026-11-27", flag, text)}
	}
	return at, nil
}

// outwards returns the window from one time up to, and not including, another. It rounds
// the first down and the second up to whole seconds.
func outwards(from, to fleet.Millis) (fleet.Window, error) {
	return fleet.NewWindow(from.Time().Truncate(time.Second), (to + 999).Time().Truncate(time.Second))
}
