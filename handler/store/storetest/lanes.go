package storetest

import (
	"cmp"
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

func equalLists[E comparable](t testing.TB, what string, got, want []E) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// testServing holds what a model serves, and what its versions came to.
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
	versions, err := db.Versions(t.Context(), m.Model, hour(0).From)
	check(t, err)
	equalLists(t, "versions", versions, []fleet.Version{
		{SHA256: "22", First: hour(3).From, Last: hour(3).From, Jobs: 1, Rows: 10, Anomalies: 2},
		{SHA256: "11", First: hour(1).From, Last: hour(2).From, Jobs: 2, Rows: 20, Anomalies: 1},
	})
	versions, err = db.Versions(t.Context(), m.Model, hour(3).From)
	check(t, err)
	equal(t, "versions of late", len(versions), 1)
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
