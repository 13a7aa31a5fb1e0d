package e2e_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

const (
	seededDevices = 2500 // with four sensors each
	seededRuns    = 24   // of an hour each
	maxPage       = 300_000
)

// lastHour is the end of the newest seeded window.
var lastHour = time.Now().UTC().Truncate(time.Hour)

// seedFleet fills the database of a stack with a fleet of 10,000 sensors whose last
// day has been scored: five in a hundred jobs failed, two had no model and one no
// data. The newest run is still open, with one job. One device has readings.
func seedFleet(t *testing.T, dsn string) {
	t.Helper()
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var batch []fleet.Reading
	for i := range seededDevices {
		for _, sensor := range []string{"current", "pressure", "temperature", "vibration"} {
			batch = append(batch, fleet.Reading{ID: fleet.ID{Device: deviceOf(i), Sensor: sensor}, Time: fleet.MillisOf(lastHour.Add(-24 * time.Hour)), Value: 1})
		}
	}
	for m := range 24 * 60 {
		v := float64(m % 17)
		if m%300 == 299 {
			v = 90
		}
		batch = append(batch, fleet.Reading{ID: fleet.ID{Device: deviceOf(0), Sensor: "current"}, Time: fleet.MillisOf(lastHour.Add(time.Duration(m-24*60)*time.Minute)) + 1, Value: v})
	}
	if _, err := db.InsertReadings(t.Context(), batch, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	if err := db.InitWatermark(t.Context(), lastHour); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite3", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	exec := func(text string, args ...any) {
		t.Helper()
		if _, err := raw.ExecContext(t.Context(), text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec(`BEGIN`)
	for i := range seededRuns {
		to := lastHour.Add(time.Duration(i+1-seededRuns) * time.Hour)
		w := fleet.Window{From: to.Add(-time.Hour), To: to}
		state, ended := "degraded", any(to.UnixMilli()+90_000)
		if i == seededRuns-1 {
			state, ended = "running", nil
		}
		exec(`INSERT INTO runs (id, window_from, window_to, kind, state, aggregate, max_failed, opened_at, ended_at) VALUES (?, ?, ?, 'scheduled', ?, '', '', ?, ?)`,
			w.RunID(), w.From.UnixMilli(), to.UnixMilli(), state, to.UnixMilli()+60_000, ended)
		exec(`INSERT INTO epochs (run, epoch, reason, opened_at, ended_at, jobs, first_epoch) VALUES (?, 0, 'schedule', ?, ?, 10000, 0)`, w.RunID(), to.UnixMilli()+60_000, ended)
		exec(`INSERT INTO jobs (run, subject_id, epoch, state, sent_at, sends, closed_at, predictions, anomalies, duration_us, model, model_sha256, csv_sha256, error)
SELECT ?1, id, 0, s, ?2, 1, ?2, CASE s WHEN 'scored' THEN 60 ELSE 0 END, CASE WHEN s = 'scored' AND (id * 31 + ?3) % 40 = 0 THEN (id + ?3) % 60 ELSE 0 END,
       id * 7 % 90000, 'default.pkl', 'a1', CASE s WHEN 'scored' THEN 'c1' ELSE '' END, CASE s WHEN 'bad_model' THEN 'the file is <b>no model</b>' ELSE '' END
FROM (SELECT id, CASE WHEN id % 100 < 5 THEN 'bad_model' WHEN id % 100 < 7 THEN 'no_model' WHEN id % 100 = 7 THEN 'no_data' ELSE 'scored' END AS s FROM subjects)`,
			w.RunID(), to.UnixMilli()+61_000, i)
	}
	exec(`UPDATE jobs SET state = 'queued', closed_at = NULL, sent_at = ?2, predictions = 0, anomalies = 0, model = '', csv_sha256 = '' WHERE run = ?1 AND subject_id = 50`,
		newestRun(), time.Now().UnixMilli())
	exec(`COMMIT`)
	for i := range seededRuns - 1 {
		to := lastHour.Add(time.Duration(i+1-seededRuns) * time.Hour)
		id := fleet.Window{From: to.Add(-time.Hour), To: to}.RunID()
		sums, err := db.DeviceSums(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		exec(`INSERT INTO run_sums (run, devices) VALUES (?, ?)`, id, []byte(fleet.PackSums(sums)))
	}
	seedYear(t, db, exec)
}

// seedYear gives each day of the year before a run, and the sum that the tick would
// have made of the same 10,000 jobs of each of 24 hours.
func seedYear(t *testing.T, db *store.DB, exec func(string, ...any)) {
	t.Helper()
	today := lastHour.Truncate(fleet.Day)
	exec(`BEGIN`)
	for i := 3; i < 364; i++ {
		from := today.AddDate(0, 0, -i)
		w := fleet.Window{From: from, To: from.Add(time.Hour)}
		exec(`INSERT INTO runs (id, window_from, window_to, kind, state, aggregate, max_failed, opened_at, ended_at) VALUES (?, ?, ?, 'scheduled', 'succeeded', '', '', ?3, ?3)`,
			w.RunID(), from.UnixMilli(), w.To.UnixMilli())
		exec(`INSERT INTO epochs (run, epoch, reason, opened_at, ended_at, jobs, first_epoch) VALUES (?, 0, 'schedule', ?2, ?2, 10000, 0)`, w.RunID(), w.To.UnixMilli())
	}
	exec(`COMMIT`)
	days, err := db.StaleDays(t.Context(), fleet.Window{From: today.AddDate(-1, 0, 0), To: today.AddDate(0, 0, -2)})
	if err != nil || len(days) != 361 {
		t.Fatalf("%d days to sum, %v", len(days), err)
	}
	sums := make([]fleet.DeviceSum, seededDevices)
	for _, d := range days {
		for i := range sums {
			sums[i] = fleet.DeviceSum{Device: deviceOf(i), Jobs: 96, Scored: 90, Failed: i % 7 / 6, Rows: 5400, Anomalies: (i + d.Day.YearDay()) % 40}
		}
		d.Shortest, d.Devices = time.Hour, fleet.PackSums(sums)
		if err := db.SetDay(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

func deviceOf(i int) string {
	return fmt.Sprintf("%s/line-%02d/pump-%04d", []string{"north", "south", "east", "west"}[i%4], i/4%25, i)
}

func newestRun() string { return fleet.Window{From: lastHour.Add(-time.Hour), To: lastHour}.RunID() }
