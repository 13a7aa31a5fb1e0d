package storetest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

func testOverview(t *testing.T, db *store.DB) {
	first := opened(t, db, 0, 30) // sensors 0 to 25 are of the first device, 26 to 29 of the second
	second := opened(t, db, 2, 30)
	closeJob(t, db, first, key(0, 0), fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: 3, CSVSHA256: "aa"})
	closeJob(t, db, first, key(1, 0), fleet.Outcome{Result: fleet.Scored, Rows: 5, Anomalies: 1, CSVSHA256: "bb"})
	closeJob(t, db, first, key(2, 0), fleet.Outcome{Result: fleet.BadModel, Error: "no"})
	closeJob(t, db, first, key(26, 0), fleet.Outcome{Result: fleet.NoData})

	sums, err := db.DeviceSums(t.Context(), first)
	check(t, err)
	slices.SortFunc(sums, func(a, b fleet.DeviceSum) int { return cmp.Compare(a.Device, b.Device) })
	equalLists(t, "sums", sums, []fleet.DeviceSum{
		{Device: id(0).Device, Jobs: 26, Queued: 23, Scored: 2, Failed: 1, Rows: 15, Anomalies: 4},
		{Device: id(26).Device, Jobs: 4, Queued: 3},
	})

	for _, c := range []struct {
		from, to time.Time
		limit    int
		want     []string
	}{
		{hour(0).From, hour(3).From, 9, []string{second, first}},
		{hour(0).From, hour(3).From, 1, []string{second}},
		{hour(1).From, hour(2).From, 9, nil}, // they only touch it
		{hour(1).From.Add(-time.Second), hour(2).From, 9, []string{first}},
		{hour(1).From, hour(2).From.Add(time.Second), 9, []string{second}},
	} {
		w := fleet.Window{From: c.from, To: c.to}
		runs, err := db.RunsWithin(t.Context(), w, c.limit)
		check(t, err)
		var got []string
		for _, r := range runs {
			got = append(got, r.ID)
		}
		equalLists(t, "runs of "+w.RunID(), got, c.want)
		jobs, err := db.DeviceJobs(t.Context(), id(26).Device, w, 4*c.limit)
		check(t, err)
		got = nil
		for _, j := range jobs {
			if !slices.Contains(got, j.Run) {
				got = append(got, j.Run)
			}
		}
		equal(t, "number of jobs", len(jobs), 4*len(c.want))
		equalLists(t, "runs of the jobs", got, c.want)
	}
	names, err := db.DeviceSensors(t.Context(), id(26).Device)
	check(t, err)
	equalLists(t, "sensors", names, []string{"sa", "sb", "sc", "sd"})
	names, err = db.DeviceSensors(t.Context(), "nobody")
	check(t, err)
	equalLists(t, "sensors of nobody", names, nil)
}

// testRunSums checks that a run has the sums of its last end, and that they are deleted
// with the run.
func testRunSums(t *testing.T, db *store.DB) {
	sums := func(want map[string]fleet.PackedSums, runs ...string) {
		t.Helper()
		got, err := db.RunSums(t.Context(), runs)
		check(t, err)
		if !maps.EqualFunc(got, want, func(a, b fleet.PackedSums) bool { return bytes.Equal(a, b) }) {
			t.Errorf("sums %v, want %v", got, want)
		}
	}
	packed := func(anomalies int) fleet.PackedSums {
		return fleet.PackSums([]fleet.DeviceSum{{Device: "d", Jobs: 2, Anomalies: anomalies}})
	}
	end := func(run string, epoch, anomalies int, want bool) {
		t.Helper()
		got, err := db.EndRun(t.Context(), run, epoch, fleet.RunSucceeded, fleet.RunSums{Devices: packed(anomalies)}, noon)
		check(t, err)
		equal(t, "ended", got, want)
	}
	first, second := opened(t, db, 0, 2), opened(t, db, 1, 2)
	end(first, 0, 9, false) // it has queued jobs
	sums(nil, first, second)
	sums(nil)
	endScored(t, db, second, 2)
	for i := range 2 {
		closeJob(t, db, first, key(i, 0), scored("aa"))
	}
	end(first, 0, 1, true)
	end(first, 0, 2, false)
	devices, err := db.DeviceSums(t.Context(), second)
	check(t, err)
	both := map[string]fleet.PackedSums{first: packed(1), second: fleet.PackSums(devices)}
	sums(both, first, second, "20990101T000000Z-20990101T010000Z")
	sums(map[string]fleet.PackedSums{first: packed(1)}, first)

	_, _, err = db.Rescore(t.Context(), first, func(fleet.ID) bool { return true }, nil, nil, noon)
	check(t, err)
	for i := range 2 {
		closeJob(t, db, first, key(i, 1), scored("bb"))
	}
	end(first, 0, 3, false) // one that slept
	sums(both, first, second)
	end(first, 1, 4, true)
	both[first] = packed(4)
	sums(both, first, second)
	for done := false; !done; {
		done, err = db.DeleteRun(t.Context(), first, day(1), 100)
		check(t, err)
	}
	delete(both, first)
	sums(both, first, second)
}

// testOpenWithin lists the runs that are open and begin in a window.
func testOpenWithin(t *testing.T, db *store.DB) {
	var ids []string
	for i := range 4 {
		ids = append(ids, opened(t, db, i, 1))
	}
	endScored(t, db, ids[1], 1)
	for _, c := range []struct {
		from, to time.Time
		limit    int
		want     []string
	}{
		{hour(0).From, hour(4).From, 9, []string{ids[3], ids[2], ids[0]}},
		{hour(0).From, hour(4).From, 2, []string{ids[3], ids[2]}},
		{hour(0).From.Add(time.Second), hour(3).From, 9, []string{ids[2]}},
	} {
		runs, err := db.OpenWithin(t.Context(), fleet.Window{From: c.from, To: c.to}, c.limit)
		check(t, err)
		var got []string
		for _, r := range runs {
			got = append(got, r.ID)
		}
		equalLists(t, "open runs", got, c.want)
	}
}

// testCovered checks that a requested run is covered if a scheduled one judges any of its
// window, wherever that begins. The day in which the window begins is then summed without
// it. Windows that only touch do not cover each other.
func testCovered(t *testing.T, db *store.DB) {
	midnight := noon.Truncate(fleet.Day).AddDate(0, 0, 1)
	at := func(minutes int) time.Time { return midnight.Add(time.Duration(minutes) * time.Minute) }
	requested := map[string]bool{}
	for _, c := range []struct {
		from, to int
		covered  bool
	}{{-60, 0, false}, {-30, -10, false}, {-60, 1, true}, {10, 20, true}, {30, 90, true}, {-60, 300, true}, {119, 130, true}, {120, 130, false}, {200, 300, false}} {
		r, _, err := db.OpenRequested(t.Context(), fleet.Window{From: at(c.from), To: at(c.to)}, nil, fleet.Settings{}, noon)
		check(t, err)
		equal(t, "covered where none is scheduled", r.Covered, false)
		requested[r.ID] = c.covered
		_, err = TryToEnd(t.Context(), db, r.ID)
		check(t, err)
	}
	days := fleet.Window{From: midnight.AddDate(0, 0, -1), To: midnight.AddDate(0, 0, 1)}
	sum := func(want ...int) { // runs of the days that have changed, the newest first
		t.Helper()
		stale, err := db.StaleDays(t.Context(), days)
		check(t, err)
		var got []int
		for _, d := range stale {
			got = append(got, d.Runs)
			d.Devices = noSums.Devices
			check(t, db.SetDay(t.Context(), d))
		}
		equalLists(t, "runs of the days to sum", got, want)
	}
	sum(5, 4)
	check(t, db.InitWatermark(t.Context(), at(0)))
	for i := range 2 {
		ok, err := db.OpenScheduled(t.Context(), fleet.Window{From: at(60 * i), To: at(60*i + 60)}, fleet.Settings{}, noon, 9)
		check(t, err)
		equal(t, "opened", ok, true)
	}
	runs, err := db.RunsWithin(t.Context(), days, 100)
	check(t, err)
	equal(t, "runs", len(runs), len(requested)+2)
	for _, r := range runs {
		equal(t, r.ID+" is covered", r.Covered, requested[r.ID])
		one := run(t, db, r.ID)
		equal(t, "by itself", one, r)
	}
	sum(2, 2)
	for _, r := range runs {
		if r.Kind == fleet.Scheduled {
			_, err := TryToEnd(t.Context(), db, r.ID)
			check(t, err)
		}
	}
	sum(4)
}

func equalLists[E comparable](t testing.TB, what string, got, want []E) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// testServing checks what a model serves, and the figures of its versions.
func testServing(t *testing.T, db *store.DB) {
	sensor := id(0)
	place := fleet.Place{Scope: fleet.OfDevice, Device: sensor.Device, Title: sensor.Sensor}
	opened(t, db, 0, 30)
	check(t, db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{{Name: "b.pkl", ETag: "1", Place: place}, {Name: "a.csv", ETag: "1", Place: fleet.Place{Scope: fleet.Attributes}}}}))
	_, err := db.AssignSubjects(t.Context(), 1000)
	check(t, err)
	all, err := db.ServingModels(t.Context(), "", 10)
	check(t, err)
	equal(t, "models", len(all), 2)
	equal(t, "the first", all[0].Name, "a.csv")
	equal(t, "served by it", all[0].Subjects, 0)
	equal(t, "served by the second", all[1].Subjects, 1)
	after, err := db.ServingModels(t.Context(), "a.csv", 10)
	check(t, err)
	equal(t, "models after the first", len(after), 1)
	m, err := db.ServingModel(t.Context(), "b.pkl")
	check(t, err)
	equal(t, "the second", m.Key, all[1].Key)
	_, err = db.ServingModel(t.Context(), "c.pkl")
	wantError(t, err, fleet.ErrNotFound)
	served, err := db.ServedBy(t.Context(), m.Key, fleet.ID{}, 10)
	check(t, err)
	equalLists(t, "served", served, []fleet.ID{sensor})
	served, err = db.ServedBy(t.Context(), m.Key, sensor, 10)
	check(t, err)
	equalLists(t, "served after it", served, nil)

	for i, sha := range []string{"11", "11", "22"} {
		run := opened(t, db, i+1, 30)
		closeJob(t, db, run, key(0, 0), fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: i, CSVSHA256: "aa", Model: "b.pkl", ModelSHA256: sha})
		closeJob(t, db, run, key(1, 0), fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: 9, CSVSHA256: "aa", Model: "default.pkl", ModelSHA256: sha})
	}
	versions := func(m fleet.Model, from time.Time, want ...fleet.Version) {
		t.Helper()
		got, err := db.Versions(t.Context(), m, from)
		check(t, err)
		equalLists(t, "versions of "+m.Name, got, want)
	}
	newer := fleet.Version{SHA256: "22", First: hour(3).From, Last: hour(3).From, Jobs: 1, Rows: 10, Anomalies: 2}
	versions(m.Model, hour(0).From, newer, fleet.Version{SHA256: "11", First: hour(1).From, Last: hour(2).From, Jobs: 2, Rows: 20, Anomalies: 1})
	versions(m.Model, hour(3).From, newer)

	// A model of several devices has what its runs ended with.
	shared := fleet.Model{Name: "_fleet/m.zip", Place: fleet.Place{Scope: fleet.OfFleet, Title: "m"}}
	versions(shared, hour(0).From)
	sums := fleet.RunSums{Devices: fleet.PackSums(nil)}
	for i, sha := range []string{"33", "33", "44"} {
		sums.Models = []fleet.ModelSum{{Model: "default.pkl", SHA256: sha, Jobs: 7}, {Model: shared.Name, SHA256: sha, Jobs: 3, Rows: 10, Anomalies: i}}
		id := opened(t, db, i+10, 30)
		for k := range 30 {
			closeJob(t, db, id, key(k, 0), scored("aa"))
		}
		ended, err := db.EndRun(t.Context(), id, 0, fleet.RunSucceeded, sums, noon)
		check(t, err)
		equal(t, "ended", ended, true)
	}
	newer = fleet.Version{SHA256: "44", First: hour(12).From, Last: hour(12).From, Jobs: 3, Rows: 10, Anomalies: 2}
	versions(shared, hour(0).From, newer, fleet.Version{SHA256: "33", First: hour(10).From, Last: hour(11).From, Jobs: 6, Rows: 20, Anomalies: 1})
	versions(shared, hour(12).From, newer)
	id := hour(12).RunID()
	_, _, err = db.Rescore(t.Context(), id, func(match fleet.ID) bool { return match == sensor }, nil, nil, noon)
	check(t, err)
	closeJob(t, db, id, key(0, 1), scored("bb"))
	_, err = db.EndRun(t.Context(), id, 1, fleet.RunSucceeded, fleet.RunSums{Devices: sums.Devices, Models: []fleet.ModelSum{{Model: shared.Name, SHA256: "55", Jobs: 1, Rows: 2}}}, noon)
	check(t, err)
	versions(shared, hour(12).From, fleet.Version{SHA256: "55", First: hour(12).From, Last: hour(12).From, Jobs: 1, Rows: 2})
	for done := false; !done; {
		done, err = db.DeleteRun(t.Context(), id, noon.AddDate(1, 0, 0), 100)
		check(t, err)
	}
	versions(shared, hour(12).From)

	// Removed models are listed, others of nobody are not.
	nobody := fleet.Place{Scope: fleet.OfNobody}
	check(t, db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{
		{Name: "z.json", ETag: "1", Place: nobody}, {Name: "y.pkl@removed", ETag: "1", Published: noon.Truncate(time.Second), Kind: "detector", Place: nobody},
	}}))
	after, err = db.ServingModels(t.Context(), "b.pkl", 10)
	check(t, err)
	if len(after) != 1 || after[0].Name != "y.pkl@removed" || !after[0].Published.Equal(noon.Truncate(time.Second)) || after[0].Kind != "detector" {
		t.Errorf("after b.pkl there is %+v", after)
	}
	check(t, db.SetKind(t.Context(), m.Key, "classifier"))
	m, err = db.ServingModel(t.Context(), "b.pkl")
	check(t, err)
	equal(t, "kind", m.Kind, "classifier")
	equal(t, "published", m.Published, time.Time{})
}

func testJobsTop(t *testing.T, db *store.DB) {
	run := opened(t, db, 0, 4)
	for i, o := range []fleet.Outcome{{Rows: 10, Anomalies: 1, Duration: 3 * time.Second}, {Rows: 2, Anomalies: 1, Duration: time.Second}, {Rows: 100, Anomalies: 20, Duration: 2 * time.Second}} {
		o.Result, o.CSVSHA256 = fleet.Scored, "aa"
		closeJob(t, db, run, key(i, 0), o)
	}
	for _, c := range []struct {
		by    fleet.JobOrder
		state fleet.JobState
		limit int
		want  []fleet.ID
	}{
		{fleet.ByWorst, "", 9, []fleet.ID{id(1), id(2), id(0), id(3)}},
		{fleet.ByWorst, fleet.Scored, 2, []fleet.ID{id(1), id(2)}},
		{fleet.BySlowest, "", 9, []fleet.ID{id(0), id(2), id(1), id(3)}},
		{fleet.BySlowest, fleet.Queued, 9, []fleet.ID{id(3)}},
	} {
		jobs, err := db.JobsTop(t.Context(), run, c.state, c.by, c.limit)
		check(t, err)
		var got []fleet.ID
		for _, j := range jobs {
			got = append(got, j.ID)
		}
		equalLists(t, string(c.by), got, c.want)
	}
}
