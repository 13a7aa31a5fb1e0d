package runs_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// BenchmarkFirstView shows the last day of 10,000 sensors, whose 24 runs have 240,000
// jobs and of which the newest is open, from an SQLite file: as the first request of a
// process, which opens the file, and as a later one.
func BenchmarkFirstView(b *testing.B) {
	const devices, hours = 2500, 24
	dsn := storetest.SQLite.DSN(b)
	db := storetest.Connect(b, dsn)
	var batch []fleet.Reading
	for i := range devices {
		for _, sensor := range []string{"current", "pressure", "temperature", "vibration"} {
			batch = append(batch, fleet.Reading{ID: fleet.ID{Device: fmt.Sprintf("site-%02d/line-%d/pump-%04d", i%20, i%7, i), Sensor: sensor}, Time: fleet.MillisOf(now)})
		}
	}
	if _, err := db.InsertReadings(b.Context(), batch, fleet.Delivery{}); err != nil {
		b.Fatal(err)
	}
	raw, err := sql.Open("sqlite3", dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	for i := range hours {
		from := now.Add(time.Duration(i-hours) * time.Hour)
		r, _, err := db.OpenRequested(b.Context(), fleet.Window{From: from, To: from.Add(time.Hour)}, nil, fleet.Settings{}, now)
		if err != nil {
			b.Fatal(err)
		}
		if i == hours-1 {
			break
		}
		_, err = raw.ExecContext(b.Context(), `UPDATE jobs SET state = 'scored', closed_at = 1, predictions = 60, anomalies = subject_id % 7 / 6, model = 'default.pkl', model_sha256 = 'a1', csv_sha256 = 'c1' WHERE run = ?`, r.ID)
		if err != nil {
			b.Fatal(err)
		}
		sums, err := db.DeviceSums(b.Context(), r.ID)
		if err != nil {
			b.Fatal(err)
		}
		came := fleet.RunSums{Devices: fleet.PackSums(sums), Models: []fleet.ModelSum{{Model: "default.pkl", SHA256: "a1", Jobs: 4 * devices, Rows: 240 * devices}}}
		if ended, err := db.EndRun(b.Context(), r.ID, 0, fleet.RunSucceeded, came, now); err != nil || !ended {
			b.Fatal(ended, err)
		}
	}
	show := func(db *store.DB) {
		l, err := (&runs.API{Overview: db, Ledger: db}).Lanes(b.Context(), runs.LanesRequest{Range: "day", To: now})
		if err != nil || l.Sum.Jobs != 4*devices*hours || l.Sum.Queued != 4*devices {
			b.Fatalf("%+v, %v", l.Sum, err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			first, err := store.Open(dsn, store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			show(first)
			first.Close()
		}
	})
	b.Run("versions of the model of all", func(b *testing.B) {
		m := fleet.Model{Name: "default.pkl"}
		for b.Loop() {
			if v, err := db.Versions(b.Context(), m, now.Add(-20*time.Hour)); err != nil || len(v) != 1 || v[0].Jobs != 4*devices*19 {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			show(db)
		}
	})
}
