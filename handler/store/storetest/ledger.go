package storetest

import (
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

func testWatermark(t *testing.T, db *store.DB) {
	_, ok, err := db.Watermark(t.Context())
	check(t, err)
	equal(t, "set at first", ok, false)
	check(t, db.InitWatermark(t.Context(), noon))
	check(t, db.InitWatermark(t.Context(), noon.Add(time.Hour)))
	wantWatermark(t, db, noon)
}

func wantWatermark(t testing.TB, db *store.DB, want time.Time) {
	t.Helper()
	got, ok, err := db.Watermark(t.Context())
	check(t, err)
	if !ok || got != want {
		t.Errorf("watermark: got %v, %v; want %v", got, ok, want)
	}
}

func openScheduled(t testing.TB, db *store.DB, i int, want bool) {
	t.Helper()
	ok, err := db.OpenScheduled(t.Context(), hour(i), fleet.Settings{Aggregate: "5m:mean", MaxFailed: "2%,no_data=0"}, noon, 3)
	check(t, err)
	equal(t, "opened "+hour(i).RunID(), ok, want)
}

func testWindowsTile(t *testing.T, db *store.DB) {
	register(t, db, 5)
	openScheduled(t, db, 0, false) // no watermark yet
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 1, false)
	openScheduled(t, db, 0, true)
	openScheduled(t, db, 0, false)
	wantWatermark(t, db, hour(1).From)
	openScheduled(t, db, 2, false)
	openScheduled(t, db, 1, true)

	want := fleet.Run{ID: hour(1).RunID(), Window: hour(1), Kind: fleet.Scheduled, State: fleet.RunRunning,
		Reason: fleet.BySchedule, Settings: fleet.Settings{Aggregate: "5m:mean", MaxFailed: "2%,no_data=0"}, OpenedAt: noon, Opening: fleet.Opening{Reason: fleet.BySchedule, At: noon}}
	equal(t, "run", run(t, db, hour(1).RunID()), want)
	for i := range 5 {
		equal(t, "job", job(t, db, want.ID, i), fleet.Job{Run: want.ID, JobKey: key(i, 0), State: fleet.Queued})
	}
}

func testOpenRuns(t *testing.T, db *store.DB) {
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	requested := opened(t, db, 9, 1)
	for i := range 3 {
		openScheduled(t, db, i, true)
	}
	openScheduled(t, db, 3, false) // three scheduled ones are open
	wantWatermark(t, db, hour(3).From)
	closeJob(t, db, hour(1).RunID(), key(0, 0), scored("aa"))
	ended, err := TryToEnd(t.Context(), db, hour(1).RunID())
	check(t, err)
	equal(t, "ended", ended, true)
	openScheduled(t, db, 3, true)

	all, err := db.Runs(t.Context(), "", 100)
	check(t, err)
	want := []string{requested, hour(3).RunID(), hour(2).RunID(), hour(1).RunID(), hour(0).RunID()}
	equal(t, "runs", len(all), len(want))
	for i, r := range all {
		equal(t, "run", r.ID, want[i])
	}
	page, err := db.Runs(t.Context(), want[1], 2)
	check(t, err)
	equal(t, "page", page[0].ID+page[1].ID, want[2]+want[3])
}

// testOpenLimit checks that runs that were requested, or re-opened after their end, do not
// count for the limit of open runs.
func testOpenLimit(t *testing.T, db *store.DB) {
	opened(t, db, 9, 1)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true)
	opened(t, db, 2, 1) // requested, then adopted
	open := func(i, limit int, want bool) {
		t.Helper()
		ok, err := db.OpenScheduled(t.Context(), hour(i), fleet.Settings{}, noon, limit)
		check(t, err)
		equal(t, "opened", ok, want)
	}
	open(1, 1, false)
	endScored(t, db, hour(0).RunID(), 1)
	_, _, err := db.Rescore(t.Context(), hour(0).RunID(), func(fleet.ID) bool { return true }, nil, nil, noon)
	check(t, err)
	open(1, 1, true)
	open(2, 1, false)
	open(2, 2, true)
	open(3, 2, false)
	open(3, 3, true)
}

func testOpenRequested(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 3)
	closeJob(t, db, id, key(0, 0), scored("aa"))
	register(t, db, 4)
	again, created, err := db.OpenRequested(t.Context(), hour(0), nil, fleet.Settings{Aggregate: "1h:max"}, noon.Add(time.Minute))
	check(t, err)
	equal(t, "created", created, false)
	equal(t, "run", again, fleet.Run{ID: id, Window: hour(0), Kind: fleet.Requested, State: fleet.RunRunning,
		Reason: fleet.ByRequest, OpenedAt: noon, Opening: fleet.Opening{Reason: fleet.ByRequest, At: noon}})
	counts, err := db.Counts(t.Context(), id)
	check(t, err)
	equal(t, "jobs", counts.Total(), 3)
	equal(t, "scored", counts[fleet.Scored], 1)

	empty, _, err := db.OpenRequested(t.Context(), fleet.Window{From: noon.AddDate(-1, 0, 0), To: noon}, nil, fleet.Settings{}, noon)
	check(t, err)
	equal(t, "state", empty.State, fleet.RunRunning)
}

func testAdopt(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 3)
	closeJob(t, db, id, key(0, 0), scored("aa"))
	closeJob(t, db, id, key(1, 0), fleet.Outcome{Result: fleet.NoModel, Error: "none"})
	check(t, db.MarkSent(t.Context(), id, []fleet.JobKey{key(2, 0)}, noon))
	check(t, db.Cancel(t.Context(), id, noon))
	ended, err := TryToEnd(t.Context(), db, id)
	check(t, err)
	equal(t, "ended", ended, true)
	equal(t, "state", run(t, db, id).State, fleet.RunCancelled)

	register(t, db, 4)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	openScheduled(t, db, 0, true)
	wantWatermark(t, db, hour(0).To)
	want := fleet.Run{ID: id, Window: hour(0), Kind: fleet.Scheduled, State: fleet.RunRunning, Epoch: 2,
		Reason: fleet.BySchedule, OpenedAt: noon, Opening: fleet.Opening{Epoch: 2, Reason: fleet.BySchedule, At: noon}}
	equal(t, "run", run(t, db, id), want)
	for i, revision := range []int{1, 1, 1, 0} {
		equal(t, "job", job(t, db, id, i), fleet.Job{Run: id, JobKey: key(i, revision), State: fleet.Queued, Epoch: 2})
	}
}

func testEndRun(t *testing.T, db *store.DB) {
	sum := fleet.RunSum{Jobs: 2, Failed: 1, Rows: 3, Anomalies: 4}
	id := opened(t, db, 0, 2)
	end := func(epoch int, state fleet.RunState, want bool) {
		t.Helper()
		got, err := db.EndRun(t.Context(), id, epoch, state, fleet.RunSums{Run: sum, Devices: noSums.Devices}, noon.Add(time.Hour))
		check(t, err)
		equal(t, "ended", got, want)
	}
	wantToEnd := func(want ...string) {
		t.Helper()
		got, err := db.RunsToEnd(t.Context())
		check(t, err)
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("runs to end: %v, want %v", got, want)
		}
	}
	closeJob(t, db, id, key(0, 0), scored("aa"))
	wantToEnd()
	end(0, fleet.RunSucceeded, false) // a job is queued
	closeJob(t, db, id, key(1, 0), fleet.Outcome{Result: fleet.BadModel, Error: "why"})
	wantToEnd(id)
	end(1, fleet.RunDegraded, false) // another epoch
	end(0, fleet.RunDegraded, true)
	end(0, fleet.RunDegraded, false) // it has ended
	wantToEnd()
	r := run(t, db, id)
	equal(t, "state", r.State, fleet.RunDegraded)
	equal(t, "ended at", r.EndedAt, noon.Add(time.Hour))
	equal(t, "sum", r.Sum, sum)
	if _, err := db.EndRun(t.Context(), id, 0, fleet.RunRunning, noSums, noon); err == nil {
		t.Error("EndRun with the state running gives no error")
	}
}

func testRescore(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 4)
	closeJob(t, db, id, key(0, 0), scored("aa"))
	closeJob(t, db, id, key(1, 0), fleet.Outcome{Result: fleet.NoModel})
	closeJob(t, db, id, key(2, 0), fleet.Outcome{Result: fleet.NoModel})
	closeJob(t, db, id, key(3, 0), fleet.Outcome{Result: fleet.Failed})
	if _, err := TryToEnd(t.Context(), db, id); err != nil {
		t.Fatal(err)
	}
	register(t, db, 7)
	setEnabled(t, db, sensorID(5), false)

	rescore := func(match func(fleet.ID) bool, states []fleet.JobState, wantReopened, wantAdded, wantEpoch int) {
		t.Helper()
		reopened, added, err := db.Rescore(t.Context(), id, match, states, nil, noon)
		check(t, err)
		equal(t, "re-opened", reopened, wantReopened)
		equal(t, "added", added, wantAdded)
		equal(t, "epoch", run(t, db, id).Epoch, wantEpoch)
	}
	none := func(fleet.ID) bool { return false }
	rescore(none, nil, 0, 0, 0)
	equal(t, "state", run(t, db, id).State, fleet.RunDegraded)

	few := func(i fleet.ID) bool { return i != sensorID(2) && i != sensorID(6) }
	rescore(few, []fleet.JobState{fleet.NoModel, fleet.Scored}, 2, 1, 1)
	equal(t, "state", run(t, db, id).State, fleet.RunRunning)
	equal(t, "re-opened", job(t, db, id, 0), fleet.Job{Run: id, JobKey: key(0, 1), State: fleet.Queued, Epoch: 1})
	equal(t, "not matched", job(t, db, id, 2).State, fleet.NoModel)
	equal(t, "state not matched", job(t, db, id, 3).State, fleet.Failed)
	equal(t, "added", job(t, db, id, 4), fleet.Job{Run: id, JobKey: key(4, 0), State: fleet.Queued, Epoch: 1})

	all := func(fleet.ID) bool { return true }
	rescore(all, nil, 5, 1, 2)
	equal(t, "queued ones too", job(t, db, id, 0).Revision, 2)
}

func sensorID(i int) fleet.ID { return id(i) }

func testRescoreWithSettings(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 3)
	closeJob(t, db, id, key(0, 0), scored("aa"))
	one := func(i fleet.ID) bool { return i == sensorID(0) }
	reopened, added, err := db.Rescore(t.Context(), id, one, []fleet.JobState{fleet.NoData}, &fleet.Settings{Aggregate: "1h:max", MaxFailed: "7"}, noon)
	check(t, err)
	equal(t, "re-opened", reopened, 3)
	equal(t, "added", added, 0)
	equal(t, "settings", run(t, db, id).Settings, fleet.Settings{Aggregate: "1h:max", MaxFailed: "7"})
	for i := range 3 {
		equal(t, "job", job(t, db, id, i), fleet.Job{Run: id, JobKey: key(i, 1), State: fleet.Queued, Epoch: 1})
	}
}

func testCancel(t *testing.T, db *store.DB) {
	id := opened(t, db, 0, 3)
	closeJob(t, db, id, key(0, 0), scored("aa"))
	check(t, db.Cancel(t.Context(), id, noon))
	check(t, db.Cancel(t.Context(), id, noon)) // it is cancelling: nothing more
	r := run(t, db, id)
	equal(t, "state", r.State, fleet.RunCancelling)
	equal(t, "epoch", r.Epoch, 1)
	want := fleet.Job{Run: id, JobKey: key(1, 0), State: fleet.Cancelled, ClosedAt: noon, Outcome: fleet.Outcome{Result: fleet.Cancelled}}
	equal(t, "job", job(t, db, id, 1), want)
	equal(t, "scored job", job(t, db, id, 0).State, fleet.Scored)
	was, changed, err := db.CloseJob(t.Context(), id, key(1, 0), scored("bb"), noon)
	check(t, err)
	equal(t, "closed", changed, false)
	equal(t, "was", was, fleet.Cancelled)

	ended, err := TryToEnd(t.Context(), db, id)
	check(t, err)
	equal(t, "ended", ended, true)
	equal(t, "state", run(t, db, id).State, fleet.RunCancelled)
	wantError(t, db.Cancel(t.Context(), id, noon), fleet.ErrConflict)
}
