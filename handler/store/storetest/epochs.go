package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// day is noon, n days later.
func day(n int) time.Time { return noon.AddDate(0, 0, n) }

func wantEpochs(t testing.TB, db *store.DB, run string, want ...fleet.Epoch) {
	t.Helper()
	got, err := db.Epochs(t.Context(), run, 100)
	check(t, err)
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		t.Errorf("epochs:\n%v, want\n%v", got, want)
	}
}

// endOn closes what is queued of n sensors, and ends the run, on the given day.
func endOn(t testing.TB, db *store.DB, id string, n, on int) {
	t.Helper()
	for i := range n {
		_, _, err := db.CloseJob(t.Context(), id, job(t, db, id, i).JobKey, scored("aa"), day(on))
		check(t, err)
	}
	ended, err := db.EndRun(t.Context(), id, run(t, db, id).Epoch, fleet.RunSucceeded, noSums, day(on))
	check(t, err)
	equal(t, "ended", ended, true)
}

// testEpochs re-opens an ended run for each of the reasons that there are.
// Each opening has its own times and jobs.
func testEpochs(t *testing.T, db *store.DB) {
	const sensors = 3
	id := opened(t, db, 0, sensors)
	wantOpening := func(epoch int, why fleet.Reason, on int) {
		t.Helper()
		r := run(t, db, id)
		equal(t, "opening", r.Opening, fleet.Opening{Epoch: epoch, Reason: why, At: day(on)})
		equal(t, "reason", r.Reason, why)
		equal(t, "opened at first", r.OpenedAt, noon)
	}
	wantOpening(0, fleet.ByRequest, 0)
	closeJob(t, db, id, key(0, 0), fleet.Outcome{Result: fleet.Failed})
	endOn0 := func(on int) { t.Helper(); endOn(t, db, id, sensors, on) }

	_, changed, err := db.CloseJob(t.Context(), id, key(0, 0), scored("aa"), day(1))
	check(t, err)
	equal(t, "a late success", changed, true)
	endOn0(2)

	check(t, db.InitWatermark(t.Context(), hour(0).From))
	ok, err := db.OpenScheduled(t.Context(), hour(0), fleet.Settings{}, day(3), 9)
	check(t, err)
	equal(t, "adopted", ok, true)
	wantOpening(2, fleet.BySchedule, 3)
	endOn0(4)

	one := func(i fleet.ID) bool { return i == sensorID(1) }
	_, _, err = db.Rescore(t.Context(), id, one, nil, nil, day(5))
	check(t, err)
	wantOpening(3, fleet.ByRescore, 5)
	equal(t, "epoch of the job rescored", job(t, db, id, 1).Epoch, 3)
	equal(t, "epoch of another", job(t, db, id, 2).Epoch, 2)
	endOn0(6)

	insert(t, db, reading(2, 7, 5))
	_, _, err = db.ReopenLate(t.Context(), 9, day(7), time.Time{})
	check(t, err)
	wantOpening(4, fleet.ByLateReading, 7)
	endOn0(8)

	ok, err = db.ReopenJob(t.Context(), id, job(t, db, id, 0).JobKey, "aa", day(9))
	check(t, err)
	equal(t, "re-opened", ok, true)
	wantOpening(5, fleet.ByLostFile, 9)
	endOn0(10)

	wantEpochs(t, db, id,
		fleet.Epoch{Number: 0, Reason: fleet.ByRequest, OpenedAt: noon, Jobs: sensors}, // a late success came first
		fleet.Epoch{Number: 1, Reason: fleet.ByLateSuccess, OpenedAt: day(1), EndedAt: day(2), Jobs: 1},
		fleet.Epoch{Number: 2, Reason: fleet.BySchedule, OpenedAt: day(3), EndedAt: day(4), Jobs: sensors},
		fleet.Epoch{Number: 3, Reason: fleet.ByRescore, OpenedAt: day(5), EndedAt: day(6), Jobs: 1},
		fleet.Epoch{Number: 4, Reason: fleet.ByLateReading, OpenedAt: day(7), EndedAt: day(8), Jobs: 1},
		fleet.Epoch{Number: 5, Reason: fleet.ByLostFile, OpenedAt: day(9), EndedAt: day(10), Jobs: 1})
	newest, err := db.Epochs(t.Context(), id, 1)
	check(t, err)
	equal(t, "newest", newest[0].Number, 5)

	// What changes nothing begins no epoch.
	_, _, err = db.Rescore(t.Context(), id, func(fleet.ID) bool { return false }, nil, nil, day(11))
	check(t, err)
	_, err = db.ReopenJob(t.Context(), id, key(0, 0), "bb", day(11))
	check(t, err)
	equal(t, "epoch", run(t, db, id).Epoch, 5)
	listed, err := db.Runs(t.Context(), "", 10)
	check(t, err)
	equal(t, "listed", listed[0], run(t, db, id))
}

// testEpochsOfOpenRun raises the epoch of a run that is open: that is no new opening.
func testEpochsOfOpenRun(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 2)
	one := func(i fleet.ID) bool { return i == sensorID(1) }
	_, _, err := db.Rescore(t.Context(), id, one, nil, nil, day(1))
	check(t, err)
	check(t, db.Cancel(t.Context(), id, day(2)))
	r := run(t, db, id)
	equal(t, "opening", r.Opening, fleet.Opening{Reason: fleet.ByRequest, At: noon})
	equal(t, "reason", r.Reason, fleet.ByCancel)
	ended, err := db.EndRun(t.Context(), id, 2, fleet.RunCancelled, noSums, day(3))
	check(t, err)
	equal(t, "ended", ended, true)
	wantEpochs(t, db, id,
		fleet.Epoch{Number: 0, Reason: fleet.ByRequest, OpenedAt: noon, Jobs: 2},
		fleet.Epoch{Number: 1, Reason: fleet.ByRescore, OpenedAt: day(1), Jobs: 1},
		fleet.Epoch{Number: 2, Reason: fleet.ByCancel, OpenedAt: day(2), EndedAt: day(3)})
}
