package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// health is a model of all devices that takes two sensors and looks back for two
// hours.
func health(etag string) fleet.Model {
	return fleet.Model{Name: "_fleet/health.zip", ETag: etag, Size: 9, Place: fleet.Place{Scope: fleet.OfFleet, Title: "health"},
		Facts: &fleet.Facts{Features: 2, Sensors: []string{"sa", "sb"}, LookbackMS: 7_199_001}}
}

var healthID = fleet.ID{Device: "dAA", DeviceModel: "health"}

// jobsOf returns the names of a run's jobs.
func jobsOf(t testing.TB, db *store.DB, run string) string {
	t.Helper()
	jobs, err := db.JobsPage(t.Context(), run, "", fleet.ID{}, 100)
	check(t, err)
	var names []string
	for _, j := range jobs {
		names = append(names, fmt.Sprintf("%s r%d", j.ID, j.Revision))
	}
	return strings.Join(names, ", ")
}

func work(t testing.TB, db *store.DB, run string, id fleet.ID) fleet.Work {
	t.Helper()
	all, err := db.Work(t.Context(), run, []fleet.ID{id})
	check(t, err)
	if len(all) != 1 {
		t.Fatalf("run %s has %d jobs of %v", run, len(all), id)
	}
	return all[0]
}

func testModels(t *testing.T, db *store.DB) {
	ctx := t.Context()
	insert(t, db, at(0, 0, 1), at(1, 0, 1), at(2, 0, 1)) // dAA/sa, sb, sc
	check(t, db.SetListed(ctx, fleet.Registry{ListedAt: noon, Columns: 1, Reader: 7}))
	own := fleet.Model{Name: "dAA/sa.pkl", ETag: "1", Size: 5, Place: fleet.Place{Scope: fleet.OfDevice, Device: "dAA", Title: "sa"}}
	check(t, db.Register(ctx, fleet.Registration{Added: []fleet.Model{health("1"), own}}))
	check(t, db.Register(ctx, fleet.Registration{Added: []fleet.Model{health("1")}})) // again
	models, err := db.Models(ctx)
	check(t, err)
	equal(t, "models", len(models), 2)
	done, err := db.AssignSubjects(ctx, 1000)
	check(t, err)
	equal(t, "devices assigned", done, 1)
	done, err = db.AssignSubjects(ctx, 1000)
	check(t, err)
	equal(t, "devices assigned again", done, 0)

	first := hour(0).RunID()
	check(t, db.InitWatermark(ctx, hour(0).From))
	openScheduled(t, db, 0, true)
	equal(t, "jobs", jobsOf(t, db, first), "dAA/health r0, dAA/sa r0, dAA/sc r0") // sb feeds health and has no model
	w := work(t, db, first, healthID)
	equal(t, "lookback", w.Lookback, 2*time.Hour)
	equal(t, "needs", w.Needs, 2*time.Hour)
	longest, err := db.MaxLookback(ctx)
	check(t, err)
	equal(t, "longest lookback", longest, 2*time.Hour)
	equal(t, "model", fmt.Sprintf("%s %s %d %v", w.Model.Name, w.Model.ETag, w.Model.Size, w.Model.Facts.Sensors), "_fleet/health.zip 1 9 [sa sb]")
	equal(t, "own model", work(t, db, first, id(0)).Model.Name, "dAA/sa.pkl")
	equal(t, "no model", work(t, db, first, id(2)).Model, nil)

	// A replaced model counts for the jobs that are queued, and looks back further.
	longer := health("2")
	longer.Facts.LookbackMS = 9_000_000
	for _, m := range models {
		if m.Name == longer.Name {
			check(t, db.Register(ctx, fleet.Registration{Added: []fleet.Model{longer}, Removed: []fleet.Model{m}}))
		}
	}
	_, err = db.AssignSubjects(ctx, 1000)
	check(t, err)
	check(t, db.SetListed(ctx, fleet.Registry{ListedAt: noon, Columns: 1, Reader: 7}))
	w = work(t, db, first, healthID)
	equal(t, "bound to", w.Lookback, 2*time.Hour)
	equal(t, "needs", w.Needs, 150*time.Minute)
	equal(t, "etag", w.Model.ETag, "2")
	bind := func(revision int, want bool) {
		t.Helper()
		ok, err := db.BindJob(ctx, first, fleet.JobKey{ID: healthID, Revision: revision}, w.Needs)
		check(t, err)
		equal(t, "bound", ok, want)
	}
	bind(1, false)
	bind(0, true)
	bind(0, false) // it is so already
	equal(t, "bound to", work(t, db, first, healthID).Lookback, 150*time.Minute)

	// A sensor that begins to send before the next window gets its job.
	insert(t, db, at(3, 1, 1)) // sd
	openScheduled(t, db, 1, true)
	equal(t, "jobs", jobsOf(t, db, hour(1).RunID()), "dAA/health r0, dAA/sa r0, dAA/sc r0, dAA/sd r0")

	// A sensor named like the device model takes its place; the job tells.
	insert(t, db, fleet.Reading{ID: fleet.ID{Device: "dAA", Sensor: "health"}, Time: fleet.MillisOf(hour(2).From), Value: 1})
	openScheduled(t, db, 2, true)
	clash := work(t, db, hour(2).RunID(), fleet.ID{Device: "dAA", Sensor: "health"})
	if !strings.Contains(clash.Fault, "_fleet/health.zip is a device model, and the device has a sensor named health too") {
		t.Errorf("the fault of the sensor is %q, want that a device model has its name", clash.Fault)
	}
}

// testLateLookback checks which jobs late readings re-open if models look back: those of
// each window whose rows the readings change.
func testLateLookback(t *testing.T, db *store.DB) {
	ctx := t.Context()
	insert(t, db, at(0, 0, 1), at(1, 0, 1), at(2, 0, 1))
	check(t, db.Register(ctx, fleet.Registration{Added: []fleet.Model{health("1")}}))
	_, err := db.AssignSubjects(ctx, 1000)
	check(t, err)
	check(t, db.InitWatermark(ctx, hour(0).From))
	for i := range 5 {
		opened, err := db.OpenScheduled(ctx, hour(i), fleet.Settings{}, noon, 24)
		check(t, err)
		equal(t, "opened", opened, true)
	}
	state := func() string {
		var all []string
		for i := range 5 {
			all = append(all, fmt.Sprintf("%d of epoch %d: %s", i, run(t, db, hour(i).RunID()).Epoch, jobsOf(t, db, hour(i).RunID())))
		}
		return strings.Join(all, "\n")
	}
	reopen := func(want string) {
		t.Helper()
		for {
			marks, _, err := db.ReopenLate(ctx, 1000, noon, time.Time{})
			check(t, err)
			if marks == 0 {
				break
			}
		}
		equal(t, "jobs", state(), want)
	}
	reopen(`0 of epoch 0: dAA/health r0, dAA/sc r0
1 of epoch 0: dAA/health r0, dAA/sc r0
2 of epoch 0: dAA/health r0, dAA/sc r0
3 of epoch 0: dAA/health r0, dAA/sc r0
4 of epoch 0: dAA/health r0, dAA/sc r0`)
	// The last millisecond that window 3 does not look back to; and before all windows.
	insert(t, db, fleet.Reading{ID: id(0), Time: fleet.MillisOf(hour(1).From) - 1, Value: 1}, fleet.Reading{ID: id(1), Time: fleet.MillisOf(hour(-1).From), Value: 1})
	reopen(`0 of epoch 1: dAA/health r1, dAA/sc r0
1 of epoch 1: dAA/health r1, dAA/sc r0
2 of epoch 1: dAA/health r1, dAA/sc r0
3 of epoch 0: dAA/health r0, dAA/sc r0
4 of epoch 0: dAA/health r0, dAA/sc r0`)
	// A sensor that no device model takes re-opens its own job alone, and none for
	// readings before all windows.
	insert(t, db, fleet.Reading{ID: id(2), Time: fleet.MillisOf(hour(1).From), Value: 1}, fleet.Reading{ID: id(2), Time: fleet.MillisOf(hour(-1).From), Value: 1})
	reopen(`0 of epoch 1: dAA/health r1, dAA/sc r0
1 of epoch 2: dAA/health r1, dAA/sc r1
2 of epoch 1: dAA/health r1, dAA/sc r0
3 of epoch 0: dAA/health r0, dAA/sc r0
4 of epoch 0: dAA/health r0, dAA/sc r0`)
	// A device that comes late gets its missing jobs, as far as its model looks back.
	insert(t, db, fleet.Reading{ID: fleet.ID{Device: "new", Sensor: "sa"}, Time: fleet.MillisOf(hour(3).From), Value: 1})
	reopen(`0 of epoch 1: dAA/health r1, dAA/sc r0
1 of epoch 2: dAA/health r1, dAA/sc r1
2 of epoch 1: dAA/health r1, dAA/sc r0
3 of epoch 1: dAA/health r0, dAA/sc r0, new/health r0
4 of epoch 1: dAA/health r0, dAA/sc r0, new/health r0`)
}
