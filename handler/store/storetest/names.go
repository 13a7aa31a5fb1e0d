package storetest

import (
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
	"github.com/fleetscore/fleetscore/handler/store"
)

// testNames stores a reading under each name that a device and a sensor may have.
// They come back as they went in, one by one, in pages and by run.
func testNames(t *testing.T, db *store.DB) {
	ctx := t.Context()
	var batch []fleet.Reading
	var ids []fleet.ID
	for i, name := range fleettest.Names {
		for _, id := range []fleet.ID{{Device: name, Sensor: "x"}, {Device: "d", Sensor: name}, {Device: name, Sensor: name}} {
			ids = append(ids, id)
			batch = append(batch, fleet.Reading{ID: id, Time: start, Value: float64(i)})
		}
	}
	wantStored(t, insert(t, db, batch...), len(batch), 0)
	wantStored(t, insert(t, db, batch...), 0, len(batch)) // the same keys are found again
	slices.SortFunc(batch, func(a, b fleet.Reading) int { return fleet.CompareID(a.ID, b.ID) })
	wantReadings(t, read(t, db, hour(0), ids...), batch...)

	sorted := slices.SortedFunc(slices.Values(ids), fleet.CompareID)
	pages := func(what string, page func(after fleet.ID) ([]fleet.ID, error)) {
		var got []fleet.ID
		for after := (fleet.ID{}); ; after = got[len(got)-1] {
			next, err := page(after)
			check(t, err)
			if len(next) == 0 {
				break
			}
			got = append(got, next...)
		}
		slices.SortFunc(got, fleet.CompareID)
		if !slices.Equal(got, sorted) {
			t.Errorf("%s: %d in all, want %d:\n%q\nwant\n%q", what, len(got), len(sorted), got, sorted)
		}
	}
	pages("sensors", func(after fleet.ID) (page []fleet.ID, err error) {
		rows, err := db.Subjects(ctx, after, 7)
		for _, r := range rows {
			page = append(page, r.ID)
		}
		return page, err
	})
	run, _, err := db.OpenRequested(ctx, hour(0), nil, fleet.Settings{}, noon.AddDate(0, 0, 1))
	check(t, err)
	pages("jobs", func(after fleet.ID) (page []fleet.ID, err error) {
		jobs, err := db.JobsPage(ctx, run.ID, fleet.Queued, after, 7)
		for _, j := range jobs {
			page = append(page, j.ID)
		}
		return page, err
	})
	for _, id := range ids {
		setEnabled(t, db, id, false)
	}
	jobs, err := db.Jobs(ctx, run.ID, ids)
	check(t, err)
	for i, j := range jobs {
		equal(t, "job", j.ID, sorted[i])
	}
	equal(t, "jobs", len(jobs), len(ids))
}
