package schedule

import (
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestGaps: readings are kept that any of the windows needs, however these lie in
// one another.
func TestGaps(t *testing.T) {
	t.Parallel()
	begin := fleet.MinMillis.Time()
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	over := func(from, to int) fleet.Window { return fleet.Window{From: at(from), To: at(to)} }
	until := func(to int) fleet.Window { return fleet.Window{From: begin, To: at(to)} }
	for _, c := range []struct {
		windows  []fleet.Window
		lookback int
		want     []fleet.Window
	}{
		{nil, 0, []fleet.Window{until(20)}},
		{nil, 5, []fleet.Window{until(20)}},
		{[]fleet.Window{over(5, 6)}, 0, []fleet.Window{until(5), over(6, 20)}},
		{[]fleet.Window{over(5, 6)}, 2, []fleet.Window{until(3), over(6, 20)}},
		{[]fleet.Window{over(5, 6), over(6, 7)}, 0, []fleet.Window{until(5), over(7, 20)}},
		{[]fleet.Window{over(5, 6), over(9, 10)}, 2, []fleet.Window{until(3), over(6, 7), over(10, 20)}},
		{[]fleet.Window{over(5, 6), over(9, 10)}, 3, []fleet.Window{until(2), over(10, 20)}},
		{[]fleet.Window{over(5, 15), over(7, 8)}, 0, []fleet.Window{until(5), over(15, 20)}},
		{[]fleet.Window{over(5, 15), over(7, 8), over(16, 17)}, 0, []fleet.Window{until(5), over(15, 16), over(17, 20)}},
		{[]fleet.Window{over(18, 22)}, 0, []fleet.Window{until(18)}},
	} {
		if got := gaps(c.windows, time.Duration(c.lookback)*time.Hour, at(20)); !slices.Equal(got, c.want) {
			t.Errorf("%v, looking back %d hours: %v, want %v", c.windows, c.lookback, got, c.want)
		}
	}
}
