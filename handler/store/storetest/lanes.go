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
