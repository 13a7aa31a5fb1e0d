package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// testDays checks that a day is stale until it has the sum of its ended runs, and again
// when these change or are deleted.
func testDays(t *testing.T, db *store.DB) {
	register(t, db, 2)
	midnight := noon.Truncate(fleet.Day)
	month := fleet.Window{From: midnight.AddDate(0, 0, -10), To: midnight.AddDate(0, 0, 20)}
	stale := func(want ...fleet.DaySum) []fleet.DaySum {
		t.Helper()
		got, err := db.StaleDays(t.Context(), month)
		check(t, err)
		if len(got) != len(want) {
			t.Fatalf("stale %+v, want %+v", got, want)
		}
		for i := range got {
			if !got[i].Day.Equal(want[i].Day) || !got[i].Equal(want[i].DayStamp) {
				t.Errorf("stale %+v, want %+v", got[i], want[i])
			}
		}
		return got
	}
	at := func(day, runs, epochs int, opened time.Time) fleet.DaySum {
		return fleet.DaySum{Day: midnight.AddDate(0, 0, day), DayStamp: fleet.DayStamp{Runs: runs, Epochs: epochs, Opened: opened}}
	}
	open := func(i, on int) string {
		t.Helper()
		r, _, err := db.OpenRequested(t.Context(), hour(i), nil, fleet.Settings{}, day(on))
		check(t, err)
		return r.ID
	}
	stale()
	first, second, next := open(0, 0), open(1, 1), open(12, 0) // at noon, at one, and at midnight
	stale()                                                    // they are open
	for _, id := range []string{first, second, next} {
		endScored(t, db, id, 2)
	}
	for _, d := range stale(at(1, 1, 0, day(0)), at(0, 2, 0, day(1))) {
		d.Shortest, d.Devices = time.Hour, fleet.PackSums([]fleet.DeviceSum{{Device: "d", Jobs: d.Runs}})
		check(t, db.SetDay(t.Context(), d))
	}
	stale()
	days, err := db.Days(t.Context(), month)
	check(t, err)
	if len(days) != 2 || !days[0].Day.Equal(midnight) || days[0].Shortest != time.Hour || !bytes.Equal(days[0].Devices, fleet.PackSums([]fleet.DeviceSum{{Device: "d", Jobs: 2}})) {
		t.Errorf("%+v", days)
	}
	days, err = db.Days(t.Context(), fleet.Window{From: midnight.AddDate(0, 0, 1), To: month.To})
	check(t, err)
	equal(t, "days from the second", len(days), 1)

	_, _, err = db.Rescore(t.Context(), second, func(fleet.ID) bool { return true }, nil, nil, day(2))
	check(t, err)
	stale(at(0, 1, 0, day(0))) // the other is open
	endScored(t, db, second, 2)
	again := at(0, 2, run(t, db, second).Epoch, day(1))
	stale(again)
	again.Devices = fleet.PackSums(nil)
	check(t, db.SetDay(t.Context(), again))
	stale()
	days, err = db.Days(t.Context(), month)
	check(t, err)
	if len(days) != 2 || !bytes.Equal(days[0].Devices, again.Devices) {
		t.Errorf("%+v", days)
	}

	done, err := db.DeleteRun(t.Context(), next, day(5), 100)
	check(t, err)
	equal(t, "deleted", done, true)
	for _, d := range stale(at(1, 0, 0, time.Time{})) {
		check(t, db.SetDay(t.Context(), d))
	}
	stale()
	check(t, db.DeleteDays(t.Context(), midnight))
	days, err = db.Days(t.Context(), month)
	check(t, err)
	equal(t, "days left", len(days), 1)
	check(t, db.DeleteDays(t.Context(), midnight.Add(time.Hour)))
	stale(again)
}
