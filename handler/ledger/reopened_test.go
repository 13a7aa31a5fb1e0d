package ledger_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// summary are the figures of the line that an ended run logs.
type summary struct {
	Epoch    int     `json:"epoch"`
	Reason   string  `json:"reason"`
	Jobs     int     `json:"jobs"`
	Duration float64 `json:"duration_s"`
	Lag      float64 `json:"lag_s"`
	Busy     float64 `json:"job_s"`
}

// TestSummaryOfReopenedRun rescores one of ten jobs a month after the run: the
// summary is that of the second opening.
func TestSummaryOfReopenedRun(t *testing.T) {
	t.Parallel()
	const jobs = 10
	day := fleet.Window{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	ctx, db, files := t.Context(), storetest.Open(t, storetest.SQLite), &blob.Memory{}
	var now time.Time
	ender := &ledger.Ender{Ledger: db, Files: files, Now: func() time.Time { return now }}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id := func(i int) fleet.ID { return fleet.ID{Device: "d", Sensor: fmt.Sprint(i)} }
	var batch []fleet.Reading
	for i := range jobs {
		batch = append(batch, fleet.Reading{ID: id(i), Time: fleet.MillisOf(day.From)})
	}
	_, err := db.InsertReadings(ctx, batch, fleet.Delivery{})
	check(err)
	check(db.InitWatermark(ctx, day.From))
	// end closes what is queued and ends the run.
	end := func(after time.Duration) (s summary) {
		t.Helper()
		queued, err := db.Unsent(ctx, day.RunID(), jobs)
		check(err)
		now = now.Add(after)
		for _, j := range queued {
			_, _, err := db.CloseJob(ctx, day.RunID(), j.JobKey, fleet.Outcome{Result: fleet.Scored, Duration: 2 * time.Second}, now)
			check(err)
		}
		var line bytes.Buffer
		check(ender.End(ctx, slog.New(slog.NewJSONHandler(&line, nil)), day.RunID()))
		check(json.Unmarshal(line.Bytes(), &s))
		return s
	}

	now = day.To.Add(time.Minute)
	_, err = db.OpenScheduled(ctx, day, fleet.Settings{}, now, 9)
	check(err)
	if got, want := end(30*time.Second), (summary{0, "schedule", jobs, 30, 90, 2 * jobs}); got != want {
		t.Errorf("first: %+v, want %+v", got, want)
	}

	now = now.AddDate(0, 1, 0)
	_, _, err = db.Rescore(ctx, day.RunID(), func(i fleet.ID) bool { return i == id(3) }, nil, nil, now)
	check(err)
	if got, want := end(5*time.Second), (summary{1, "rescore", jobs, 5, 5, 2}); got != want {
		t.Errorf("rescored: %+v, want %+v", got, want)
	}

	// A late reading re-opens it, and one more before that has ended.
	now = now.AddDate(0, 1, 0)
	for i := range 2 {
		_, err = db.InsertReadings(ctx, []fleet.Reading{{ID: id(i), Time: fleet.MillisOf(day.From) + 7}}, fleet.Delivery{})
		check(err)
		_, _, err = db.ReopenLate(ctx, 9, now, time.Time{})
		check(err)
		now = now.Add(time.Minute)
	}
	if got, want := end(5*time.Second), (summary{3, "late_readings", jobs, 125, 125, 4}); got != want {
		t.Errorf("late: %+v, want %+v", got, want)
	}

	content, _, err := files.Read(ctx, blob.Preds, ledger.ManifestName(day.RunID()), "", 1<<20)
	check(err)
	var m ledger.Manifest
	check(json.Unmarshal(content, &m))
	if m.Epoch != 3 || m.Reason != fleet.ByLateReading || len(m.Jobs) != jobs {
		t.Errorf("the manifest is of epoch %d, %s, with %d jobs; want 3, %s, %d", m.Epoch, m.Reason, len(m.Jobs), fleet.ByLateReading, jobs)
	}
}
