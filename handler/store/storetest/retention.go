package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// testExpiredRuns deletes, row by row, the runs that have ended and are old
// enough, and nothing of others.
func testExpiredRuns(t *testing.T, db *store.DB) {
	const sensors = 5
	register(t, db, sensors)
	open := func(i, on int) string {
		t.Helper()
		r, _, err := db.OpenRequested(t.Context(), hour(i), nil, fleet.Settings{}, day(on))
		check(t, err)
		for range 2 {
			check(t, db.AddAttempt(t.Context(), r.ID, key(0, 0), fleet.Attempt{At: day(on), Err: "no SQL"}))
		}
		return r.ID
	}
	newer, open1, older := open(0, 1), open(1, 0), open(2, 0)
	for _, id := range []string{newer, older} {
		endOn(t, db, id, sensors, 5)
	}
	expired := func(before time.Time, limit int, want ...string) {
		t.Helper()
		got, err := db.ExpiredRuns(t.Context(), before, limit)
		check(t, err)
		if !slices.Equal(got, want) {
			t.Errorf("expired before %v: %v, want %v", before, got, want)
		}
	}
	expired(day(0), 9)
	expired(day(1), 9, older) // the other is open
	expired(day(2), 9, older, newer)
	expired(day(2), 1, older)

	for _, id := range []string{newer, open1, "none"} {
		done, err := db.DeleteRun(t.Context(), id, day(1), 100)
		check(t, err)
		equal(t, "nothing is left to delete of "+id, done, true)
	}
	calls := 0
	for done := false; !done; calls++ {
		var err error
		done, err = db.DeleteRun(t.Context(), older, day(1), 2)
		check(t, err)
	}
	if calls < 3 {
		t.Errorf("%d jobs were deleted by %d calls for two each, want 3 calls or more", sensors, calls)
	}
	_, err := db.Run(t.Context(), older)
	wantError(t, err, fleet.ErrNotFound)
	wantEpochs(t, db, older)
	for id, want := range map[string]int{newer: sensors, open1: sensors, older: 0} {
		jobs, err := db.JobsPage(t.Context(), id, "", fleet.ID{}, 100)
		check(t, err)
		equal(t, "jobs of "+id, len(jobs), want)
		attempts, err := db.Attempts(t.Context(), id, key(0, 0))
		check(t, err)
		equal(t, "attempts of "+id, len(attempts), min(want, 1))
	}
	expired(day(2), 9, newer)
}

// testLateForExpiredRun drops the marks of readings for a run that is too old.
func testLateForExpiredRun(t *testing.T, db *store.DB) {
	register(t, db, 1)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true) // at noon
	id := hour(0).RunID()
	endScored(t, db, id, 1)
	before := run(t, db, id)
	for _, c := range []struct {
		oldest time.Time
		want   int
	}{{noon.Add(time.Second), 0}, {noon, 1}} {
		insert(t, db, reading(0, fleet.Millis(5+c.want), 1))
		marks, runs, err := db.ReopenLate(t.Context(), 9, day(1), c.oldest)
		check(t, err)
		equal(t, "marks", marks, 1)
		equal(t, "runs re-opened", len(runs), c.want)
		equal(t, "epoch", run(t, db, id).Epoch, before.Epoch+c.want)
		reopenLate(t, db, "", 0, 0)
	}
}

// testDeleteReadings deletes those of a window, few at a time, and no others.
func testDeleteReadings(t *testing.T, db *store.DB) {
	const sensors, each = 300, 7 // more than a page of sensors
	var batch []fleet.Reading
	for s := range sensors {
		for i := range each {
			batch = append(batch, reading(s, fleet.Millis(1000*i), 1))
		}
	}
	insert(t, db, batch...)
	w := fleet.Window{From: noon.Add(time.Second), To: noon.Add(5 * time.Second)} // 4 of the 7
	var total, next int64
	for calls := 0; ; {
		n, after, err := db.DeleteReadings(t.Context(), w, next, 3)
		check(t, err)
		if n > 6 {
			t.Fatalf("%d readings were deleted at once with a limit of 3, want at most 6", n)
		}
		if calls++; calls > 2*sensors*each {
			t.Fatalf("after %d calls there are readings to delete, want an end", calls)
		}
		total, next = total+n, after
		if next == 0 {
			break
		}
	}
	equal(t, "deleted", total, int64(4*sensors))
	for _, s := range []int{0, 1, 255, 256, sensors - 1} {
		var left []fleet.Millis
		for _, r := range read(t, db, hour(0), id(s)) {
			left = append(left, r.Time-fleet.MillisOf(noon))
		}
		if want := []fleet.Millis{0, 5000, 6000}; !slices.Equal(left, want) {
			t.Errorf("%v has readings at %v, want %v", id(s), left, want)
		}
	}
	n, next, err := db.DeleteReadings(t.Context(), w, 0, 3)
	check(t, err)
	equal(t, "deleted again", n, 0)
	equal(t, "next", next, 0)
}
