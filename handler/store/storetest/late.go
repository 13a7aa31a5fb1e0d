package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// at is a reading in hour(i) of sensor s.
func at(s, i int, value float64) fleet.Reading {
	return fleet.Reading{ID: id(s), Time: fleet.MillisOf(hour(i).From) + fleet.Millis(1000*s), Value: value}
}

// reopenLate turns the marks of one window into re-opened jobs, of one run or of
// none.
func reopenLate(t testing.TB, db *store.DB, wantRun string, wantReopened, wantAdded int) {
	t.Helper()
	var want []fleet.Reopened
	if wantReopened+wantAdded > 0 {
		want = []fleet.Reopened{{Run: wantRun, Again: wantReopened, Added: wantAdded}}
	}
	_, runs, err := db.ReopenLate(t.Context(), 1000, noon, time.Time{})
	check(t, err)
	equal(t, "runs", fmt.Sprint(runs), fmt.Sprint(want))
}

// endScored closes the queued jobs of n sensors as scored and ends the run.
func endScored(t testing.TB, db *store.DB, run string, n int) {
	t.Helper()
	for i := range n {
		_, err := closeWhatIs(t.Context(), db, run, i)
		check(t, err)
	}
	_, err := TryToEnd(t.Context(), db, run)
	check(t, err)
}

func testLateReadings(t *testing.T, db *store.DB) {
	insert(t, db, at(0, 0, 1), at(1, 0, 1))
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true)
	openScheduled(t, db, 1, true)
	reopenLate(t, db, "", 0, 0)
	first, second := hour(0).RunID(), hour(1).RunID()
	endScored(t, db, first, 2)
	equal(t, "state", run(t, db, first).State, fleet.RunSucceeded)

	// None of these is both new and covered by a scheduled run.
	_, _, err := db.OpenRequested(t.Context(), fleet.Window{From: hour(-5).From, To: hour(5).To}, nil, fleet.Settings{}, noon)
	check(t, err)
	wantStored(t, insert(t, db, at(0, 0, 1), at(1, 0, 2), at(0, -1, 1), at(0, 2, 1), at(1, 3, 1)), 3, 1, fleet.Rejected{Index: 1, Err: fleet.ErrConflict})
	reopenLate(t, db, "", 0, 0)

	// Of two runs; sensor 2 is new.
	insert(t, db, at(0, 1, 5), at(2, 0, 5), at(2, 2, 5), reading(1, 5, 5), reading(1, 6, 5))
	insert(t, db, reading(1, 7, 5))
	reopenLate(t, db, first, 1, 1)
	equal(t, "epoch", run(t, db, first).Epoch, 1)
	equal(t, "state", run(t, db, first).State, fleet.RunRunning)
	equal(t, "late", job(t, db, first, 1), fleet.Job{Run: first, JobKey: key(1, 1), State: fleet.Queued, Epoch: 1})
	equal(t, "new", job(t, db, first, 2), fleet.Job{Run: first, JobKey: key(2, 0), State: fleet.Queued, Epoch: 1})
	equal(t, "in time", job(t, db, first, 0).State, fleet.Scored)
	reopenLate(t, db, second, 1, 0)
	equal(t, "queued ones too", job(t, db, second, 0), fleet.Job{Run: second, JobKey: key(0, 1), State: fleet.Queued, Epoch: 1})
	reopenLate(t, db, "", 0, 0)
}

// testLateConflicts has a batch that is late to its last reading. The reading whose key is
// stored with another value is refused, and none beside it.
func testLateConflicts(t *testing.T, db *store.DB) {
	insert(t, db, reading(0, 1, 1), reading(0, 5, 1))
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true)
	got := insert(t, db, reading(0, 4, 2), reading(0, 5, 1), reading(0, 3, 2), reading(0, 1, 9), reading(0, 2, 2))
	wantStored(t, got, 3, 1, fleet.Rejected{Index: 3, Err: fleet.ErrConflict})
	wantReadings(t, read(t, db, hour(0), id(0)), reading(0, 1, 1), reading(0, 2, 2), reading(0, 3, 2), reading(0, 4, 2), reading(0, 5, 1))
}

// testLateMarksDropped checks which marks of late readings re-open nothing.
func testLateMarksDropped(t *testing.T, db *store.DB) {
	insert(t, db, at(0, 0, 1), at(1, 9, 1), at(2, 9, 1))
	setEnabled(t, db, id(1), false)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true)
	id0 := hour(0).RunID()
	endScored(t, db, id0, 3)
	before := run(t, db, id0)

	insert(t, db, reading(1, 7, 5)) // disabled, without a job
	reopenLate(t, db, id0, 0, 0)
	reopenLate(t, db, "", 0, 0)
	equal(t, "run", run(t, db, id0), before)

	setEnabled(t, db, id(2), false) // disabled, with a job
	insert(t, db, reading(1, 8, 5), reading(2, 7, 5))
	reopenLate(t, db, id0, 1, 0)
	equal(t, "job", job(t, db, id0, 2), fleet.Job{Run: id0, JobKey: key(2, 1), State: fleet.Queued, Epoch: 1})
	reopenLate(t, db, "", 0, 0)

	check(t, db.Cancel(t.Context(), id0, noon))
	for range 2 { // cancelling, then cancelled
		insert(t, db, reading(0, fleet.Millis(1+len(read(t, db, hour(0), id(0)))), 5))
		before = run(t, db, id0)
		reopenLate(t, db, id0, 0, 0)
		reopenLate(t, db, "", 0, 0)
		equal(t, "run", run(t, db, id0), before)
		_, err := TryToEnd(t.Context(), db, id0)
		check(t, err)
	}
	equal(t, "state", run(t, db, id0).State, fleet.RunCancelled)
}

// testManyLate marks more than one call takes, and more than one list holds.
func testManyLate(t *testing.T, db *store.DB) {
	const sensors, limit = 600, 250
	register(t, db, sensors)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true)
	var batch []fleet.Reading
	for i := range sensors {
		batch = append(batch, reading(i, 1, 1), reading(i, 2, 1))
	}
	insert(t, db, batch...)
	total := 0
	for {
		marks, runs, err := db.ReopenLate(t.Context(), limit, noon, time.Time{})
		check(t, err)
		if marks == 0 {
			break
		}
		for _, r := range runs {
			total += r.Again
		}
	}
	if total < sensors {
		t.Errorf("%d jobs re-opened, want %d", total, sensors)
	}
	for i := range sensors {
		if j := job(t, db, hour(0).RunID(), i); j.Revision == 0 {
			t.Errorf("job %s is at revision 0, want it re-opened", j.ID)
		}
	}
}

// testLateFar has late readings of many devices whose model looks back for a week: they
// concern more jobs than one transaction re-opens, and each is re-opened.
func testLateFar(t *testing.T, db *store.DB) {
	const devices, windows, reach, most = 62, 172, 169, 10_000
	ctx := t.Context()
	check(t, db.Register(ctx, fleet.Registration{Added: []fleet.Model{{Name: "_fleet/far.zip", ETag: "1", Place: fleet.Place{Scope: fleet.OfFleet, Title: "far"},
		Facts: &fleet.Facts{Features: 1, Sensors: []string{"s"}, LookbackMS: (reach - 1) * 3600_000}}}}))
	late := func(value float64, after fleet.Millis) (batch []fleet.Reading) {
		for i := range devices {
			batch = append(batch, fleet.Reading{ID: fleet.ID{Device: fmt.Sprint("far-", i), Sensor: "s"}, Time: fleet.MillisOf(hour(0).From) + after, Value: value})
		}
		return batch
	}
	insert(t, db, late(1, 0)...)
	check(t, db.InitWatermark(ctx, hour(0).From))
	for i := range windows {
		ok, err := db.OpenScheduled(ctx, hour(i), fleet.Settings{}, noon, windows)
		check(t, err)
		equal(t, "opened", ok, true)
	}
	insert(t, db, late(2, 1)...)
	again, calls := 0, 0
	for {
		marks, runs, err := db.ReopenLate(ctx, 250, noon, time.Time{})
		check(t, err)
		if marks == 0 {
			break
		}
		jobs := 0
		for _, r := range runs {
			jobs += r.Again
			equal(t, "added", r.Added, 0)
		}
		if calls++; jobs > most || len(runs) != reach {
			t.Errorf("call %d re-opened %d jobs of %d runs", calls, jobs, len(runs))
		}
		again += jobs
	}
	equal(t, "jobs re-opened", again, devices*reach)
	for _, w := range []struct{ hour, revision int }{{0, 1}, {reach - 1, 1}, {reach, 0}} {
		jobs, err := db.JobsPage(ctx, hour(w.hour).RunID(), "", fleet.ID{}, devices)
		check(t, err)
		equal(t, "jobs", len(jobs), devices)
		for _, j := range jobs {
			equal(t, fmt.Sprintf("revision of %v in hour %d", j.ID, w.hour), j.Revision, w.revision)
		}
	}
}

// testLateRace inserts readings, opens windows, re-opens for late readings and
// scores, all side by side. In the end every reading is among those that its
// job's last try has read.
func testLateRace(t *testing.T, db *store.DB) {
	const windows, sensors, writers, batches = 6, 4, 3, 30
	register(t, db, sensors) // with one reading each in hour 0
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	var busy atomic.Int32
	busy.Store(writers + 1)
	together(writers+1+2+2, func(n int) {
		var err error
		switch {
		case n < writers:
			defer busy.Add(-1)
			err = writeScattered(t.Context(), db, n, batches, sensors, windows)
		case n == writers:
			defer busy.Add(-1)
			for i := range windows {
				if _, e := db.OpenScheduled(t.Context(), hour(i), fleet.Settings{}, noon, windows); e != nil {
					err = e
				}
				time.Sleep(5 * time.Millisecond)
			}
		default:
			for busy.Load() > 0 && err == nil {
				err = reopenOrScore(t.Context(), db, n%2 == 0)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
	for { // what is left
		marks, _, err := db.ReopenLate(t.Context(), 3, noon, time.Time{})
		check(t, err)
		if marks == 0 {
			break
		}
	}
	check(t, reopenOrScore(t.Context(), db, false))
	for i := range windows {
		_, err := TryToEnd(t.Context(), db, hour(i).RunID())
		check(t, err)
		equal(t, "state of "+hour(i).RunID(), run(t, db, hour(i).RunID()).State, fleet.RunSucceeded)
		for s := range sensors {
			equal(t, fmt.Sprintf("readings of %s scored in hour %d", id(s), i), job(t, db, hour(i).RunID(), s).Rows, len(read(t, db, hour(i), id(s))))
		}
	}
}

// writeScattered inserts batches of readings, each over all sensors and windows.
func writeScattered(ctx context.Context, db *store.DB, writer, batches, sensors, windows int) error {
	for b := range batches {
		var batch []fleet.Reading
		for i := range windows * sensors {
			ts := fleet.MillisOf(hour(i/sensors).From) + fleet.Millis(1+writer*batches+b)
			batch = append(batch, fleet.Reading{ID: id(i % sensors), Time: ts, Value: 1})
		}
		if _, err := db.InsertReadings(ctx, batch, fleet.Delivery{}); err != nil {
			return err
		}
	}
	return nil
}

// reopenOrScore re-opens one run, or scores each queued job: it counts its readings.
func reopenOrScore(ctx context.Context, db *store.DB, reopen bool) error {
	if reopen {
		_, _, err := db.ReopenLate(ctx, 7, noon, time.Time{})
		return err
	}
	jobs, err := db.Unsent(ctx, "", 1000)
	for _, j := range jobs {
		w, err := fleet.ParseRunID(j.Run)
		if err != nil {
			return err
		}
		o := scored("")
		o.Rows = 0
		for _, err := range db.Readings(ctx, []fleet.ID{j.ID}, w) {
			if err != nil {
				return err
			}
			o.Rows++
		}
		if _, _, err := db.CloseJob(ctx, j.Run, j.JobKey, o, noon); err != nil {
			return err
		}
	}
	return err
}

// testLateRandom inserts random readings, some of them copies, among windows some of
// whose runs are gone. What is re-opened and what is counted as uncovered is what
// follows from the readings that were new.
func testLateRandom(t *testing.T, db *store.DB) {
	const windows, sensors = 150, 5 // more than are read at a time
	rnd := rand.New(rand.NewPCG(7, 7))
	register(t, db, sensors)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	gone := map[int]bool{}
	for i := range windows {
		openScheduled(t, db, i, true)
		endScored(t, db, hour(i).RunID(), sensors)
		gone[i] = rnd.IntN(4) == 0 || i > windows-3
	}
	for i := range gone {
		for done := !gone[i]; !done; {
			var err error
			done, err = db.DeleteRun(t.Context(), hour(i).RunID(), noon.Add(time.Second), 100)
			check(t, err)
		}
	}
	type reading struct{ sensor, minute int }
	stored := map[reading]bool{}
	for i := range sensors {
		stored[reading{i, 0}] = true
	}
	for round := range 12 {
		spread := []int{windows * 60, 200, 5}[round%3] // over all windows, over few, within one
		from := rnd.IntN(windows*60 - spread + 1)
		jobs, uncovered := map[string]bool{}, 0
		var batch []fleet.Reading
		for range 60 {
			r := reading{rnd.IntN(sensors), from + rnd.IntN(spread) - 30}
			batch = append(batch, fleet.Reading{ID: id(r.sensor), Time: fleet.MillisOf(noon) + fleet.Millis(r.minute)*60_000, Value: 1})
			if stored[r] {
				continue
			}
			stored[r] = true
			if i := r.minute / 60; r.minute < 0 || gone[i] {
				uncovered++
			} else {
				jobs[hour(i).RunID()+id(r.sensor).String()] = true
			}
		}
		insert(t, db, batch...)
		got := 0
		for {
			marks, runs, err := db.ReopenLate(t.Context(), 1000, noon, time.Time{})
			check(t, err)
			if marks == 0 {
				break
			}
			for _, r := range runs {
				got += r.Again + r.Added
			}
		}
		counted, err := db.TakeUncovered(t.Context(), 10_000)
		check(t, err)
		equal(t, fmt.Sprintf("round %d: jobs re-opened, readings uncovered", round), [2]int{got, counted.Readings}, [2]int{len(jobs), uncovered})
	}
}
