package storetest

import (
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// testUncovered counts new readings before all windows, and those of a window whose
// run is gone; not those that a run covers or will cover, and no copies.
func testUncovered(t *testing.T, db *store.DB) {
	take := func(limit, readings, sensors int, first, last time.Time) {
		t.Helper()
		got, err := db.TakeUncovered(t.Context(), limit)
		check(t, err)
		equal(t, "uncovered", got, fleet.Uncovered{Readings: readings, Sensors: sensors, First: first, Last: last})
	}
	none := func() { t.Helper(); take(9, 0, 0, time.Time{}, time.Time{}) }
	in1970 := time.UnixMilli(1_772_366_400).UTC() // a time in seconds, taken for milliseconds
	before := hour(0).From.Add(-time.Second)
	insert(t, db, fleet.Reading{ID: id(0), Time: fleet.MillisOf(before), Value: 1}, at(1, 0, 1))
	none() // there is no watermark yet
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	take(9, 1, 1, before, before)
	check(t, db.InitWatermark(t.Context(), hour(5).From))
	none() // it was set before

	openScheduled(t, db, 0, true)
	openScheduled(t, db, 1, true)
	late := func(s int, ts time.Time) fleet.Reading {
		return fleet.Reading{ID: id(s), Time: fleet.MillisOf(ts), Value: 1}
	}
	insert(t, db, late(0, hour(0).From), late(0, hour(1).To.Add(-time.Millisecond)), late(0, hour(2).From), late(0, before))
	none() // covered, covered, to be covered, a copy
	insert(t, db, late(0, in1970), late(0, in1970.Add(time.Second)), late(1, before), late(1, hour(1).From))
	insert(t, db, late(1, hour(0).From.Add(-time.Millisecond)))
	take(2, 3, 2, in1970, before)
	take(9, 1, 1, hour(0).From.Add(-time.Millisecond), hour(0).From.Add(-time.Millisecond))
	none()

	// The run of hour 0 is deleted: its time is covered no more.
	endScored(t, db, hour(0).RunID(), 2)
	for done := false; !done; {
		var err error
		done, err = db.DeleteRun(t.Context(), hour(0).RunID(), noon.Add(time.Second), 100)
		check(t, err)
	}
	insert(t, db, late(0, hour(0).From.Add(time.Minute)), late(0, hour(1).From.Add(time.Minute)))
	take(9, 1, 1, hour(0).From.Add(time.Minute), hour(0).From.Add(time.Minute))
}
