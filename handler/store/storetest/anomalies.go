package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// testAnomalies closes jobs with anomalous rows, and reads them in every way; what
// re-opens a job forgets them.
func testAnomalies(t *testing.T, db *store.DB) {
	first, second := opened(t, db, 0, 30), opened(t, db, 1, 30) // sensors 0 to 25 are of the first device
	found := func(n int, rows fleet.AnomalousRows) fleet.Outcome {
		return fleet.Outcome{Result: fleet.Scored, Rows: 10, Anomalies: n, Anomalous: rows, CSVSHA256: "aa"}
	}
	long := fleet.AnomalousRows("[" + strings.Repeat("[1519860000000,-0.12345678901234567],", 999) + "[1519860000001,null]]")
	const short = "[[1519860000000,-0.25]]"
	closeJob(t, db, first, key(27, 0), found(1, short))
	closeJob(t, db, first, key(0, 0), found(1200, long))
	closeJob(t, db, first, key(1, 0), found(0, ""))
	closeJob(t, db, first, key(2, 0), fleet.Outcome{Result: fleet.BadModel, Error: "no"})
	closeJob(t, db, second, key(0, 0), found(2, short))

	jobs := func(what string, got []fleet.AnomalousJob, err error) func(want ...fleet.AnomalousJob) {
		return func(want ...fleet.AnomalousJob) {
			t.Helper()
			check(t, err)
			equalLists(t, what, got, want)
		}
	}
	a := fleet.AnomalousJob{Run: first, ID: id(0), Rows: 10, Anomalies: 1200, Kept: long}
	b := fleet.AnomalousJob{Run: first, ID: id(27), Rows: 10, Anomalies: 1, Kept: short}
	c := fleet.AnomalousJob{Run: second, ID: id(0), Rows: 10, Anomalies: 2, Kept: short}
	bare := func(j fleet.AnomalousJob) fleet.AnomalousJob { j.Kept = ""; return j }
	ctx := t.Context()
	got, err := db.AnomalousJobs(ctx, first)
	jobs("jobs with anomalies", got, err)(bare(a), bare(b))
	got, err = db.Anomalies(ctx, first, []fleet.ID{id(27), id(1), id(0), id(99)})
	jobs("their rows", got, err)(a, b)
	got, err = db.Anomalies(ctx, first, nil)
	jobs("rows of nobody", got, err)()
	w := fleet.Window{From: hour(0).From, To: hour(1).To}
	for _, x := range []struct {
		w     fleet.Window
		limit int
		want  []fleet.AnomalousJob
	}{{w, 9, []fleet.AnomalousJob{c, a}}, {w, 1, []fleet.AnomalousJob{c}}, {hour(0), 9, []fleet.AnomalousJob{a}}, {hour(2), 9, nil}} {
		got, err = db.DeviceAnomalies(ctx, id(0).Device, x.w, x.limit)
		jobs("anomalies of the device in "+x.w.RunID(), got, err)(x.want...)
	}
	sums, err := db.SubjectSums(ctx, []string{second, first, "none"})
	check(t, err)
	slices.SortFunc(sums, func(a, b fleet.SubjectSum) int { return fleet.CompareID(a.ID, b.ID) })
	equalLists(t, "sums", sums, []fleet.SubjectSum{{ID: id(0), Jobs: 2, Rows: 20, Anomalies: 1202}, {ID: id(1), Jobs: 1, Rows: 10}, {ID: id(27), Jobs: 1, Rows: 10, Anomalies: 1}})

	// A job is re-opened by its file, by a request, by a late reading.
	_, err = db.ReopenJob(ctx, first, key(27, 0), "aa", noon)
	check(t, err)
	got, err = db.AnomalousJobs(ctx, first)
	jobs("with one open again", got, err)(bare(a))
	got, err = db.Anomalies(ctx, first, []fleet.ID{id(27)})
	jobs("rows of the one", got, err)()
	_, _, err = db.Rescore(ctx, first, func(fleet.ID) bool { return true }, nil, nil, noon)
	check(t, err)
	got, err = db.AnomalousJobs(ctx, first)
	jobs("with all open again", got, err)()
	closeJob(t, db, first, key(0, 1), found(1, short))
	got, err = db.Anomalies(ctx, first, ids(30))
	jobs("after the second scoring", got, err)(fleet.AnomalousJob{Run: first, ID: id(0), Rows: 10, Anomalies: 1, Kept: short})

	for i := range 30 {
		if i != 0 {
			closeJob(t, db, first, fleet.JobKey{ID: id(i), Revision: job(t, db, first, i).Revision}, fleet.Outcome{Result: fleet.NoData})
		}
	}
	_, err = TryToEnd(ctx, db, first)
	check(t, err)
	done, err := db.DeleteRun(ctx, first, noon.Add(time.Hour), 100)
	check(t, err)
	equal(t, "deleted", done, true)
	got, err = db.DeviceAnomalies(ctx, id(0).Device, w, 9)
	jobs("after the retention", got, err)(c)
}
