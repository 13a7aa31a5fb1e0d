package store_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/fleetscore/fleetscore/handler/sensor"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// eachDialect runs f on every dialect that can be had.
func eachDialect(b *testing.B, f func(b *testing.B, d storetest.Dialect)) {
	b.Run("sqlite", func(b *testing.B) { f(b, storetest.SQLite) })
	b.Run("sqlserver", func(b *testing.B) {
		if os.Getenv("TEST_SQLSERVER_DSN") == "" {
			b.Skip("NOT MEASURED on SQL Server: set TEST_SQLSERVER_DSN")
		}
		f(b, storetest.SQLServer)
	})
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fleet is n readings of some sensors, in the order in which they arrive: each
// sensor sends one a second.
func fleet(sensors, n int) []sensor.Reading {
	all := make([]sensor.Reading, n)
	for i := range all {
		s := i % sensors
		all[i] = sensor.Reading{
			ID:    sensor.ID{Device: fmt.Sprintf("device-%05d", s/4), Sensor: fmt.Sprintf("sensor-%d", s%4)},
			Time:  sensor.MillisOf(noon) + sensor.Millis(i/sensors)*1000,
			Value: float64(i%1000) / 7,
		}
	}
	return all
}

const batchSize = 1000

// load stores readings in batches and returns the time it took.
func load(b *testing.B, db *store.DB, readings []sensor.Reading) time.Duration {
	begin := time.Now()
	for at := 0; at < len(readings); at += batchSize {
		stored, err := db.InsertReadings(b.Context(), readings[at:min(at+batchSize, len(readings))])
		if err != nil || len(stored.Rejected) > 0 {
			b.Fatal(err, stored)
		}
	}
	return time.Since(begin)
}

// bare stores rows of the same keys and values without any care: no sensors,
// no check, no look at what is there, in transactions of the same size.
func bare(b *testing.B, db *store.DB, sqlserver bool, readings []sensor.Reading) time.Duration {
	_, writer := db.Pools()
	keys := map[sensor.ID]int64{}
	for _, r := range readings {
		if keys[r.ID] == 0 {
			keys[r.ID] = int64(len(keys) + 1)
		}
	}
	insert := "INSERT INTO readings (sensor_id, ts, value) VALUES (?, ?, ?)"
	moment := func(m sensor.Millis) any { return int64(m) }
	if sqlserver {
		insert = mssql.CopyIn(db.Text("dbo.readings"), mssql.BulkOptions{}, "sensor_id", "ts", "value")
		moment = func(m sensor.Millis) any { return m.Time() }
	}
	begin := time.Now()
	for at := 0; at < len(readings); at += batchSize {
		tx, err := writer.BeginTx(b.Context(), nil)
		check(b, err)
		stmt, err := tx.PrepareContext(b.Context(), insert)
		check(b, err)
		for _, r := range readings[at:min(at+batchSize, len(readings))] {
			_, err := stmt.ExecContext(b.Context(), keys[r.ID], moment(r.Time), r.Value)
			check(b, err)
		}
		if sqlserver {
			_, err = stmt.ExecContext(b.Context())
			check(b, err)
		}
		check(b, stmt.Close())
		check(b, tx.Commit())
	}
	return time.Since(begin)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkLoad stores readings through the store and, in the same run, by a
// bare bulk insert: "%bare" is the store's rate in per cent of that.
func BenchmarkLoad(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		readings := fleet(200, 100_000)
		var ours, theirs time.Duration
		for b.Loop() {
			ours += load(b, storetest.Open(b, d), readings)
			theirs += bare(b, storetest.Open(b, d), d.Name == "sqlserver", readings)
		}
		report(b, len(readings), ours, theirs)
	})
}

// BenchmarkReplay stores readings that are all stored already.
func BenchmarkReplay(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		readings := fleet(200, 100_000)
		db := storetest.Open(b, d)
		load(b, db, readings)
		var took time.Duration
		for b.Loop() {
			took += load(b, db, readings)
		}
		b.ReportMetric(float64(b.N*len(readings))/took.Seconds(), "rows/s")
		b.ReportMetric(0, "ns/op")
	})
}

func report(b *testing.B, rows int, ours, theirs time.Duration) {
	b.ReportMetric(float64(b.N*rows)/ours.Seconds(), "rows/s")
	b.ReportMetric(float64(b.N*rows)/theirs.Seconds(), "bare-rows/s")
	b.ReportMetric(100*theirs.Seconds()/ours.Seconds(), "%bare")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReadBack reads windows of 200 sensors as a message of jobs does,
// and, in the same run, by a bare scan of the same rows.
func BenchmarkReadBack(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		readings := fleet(200, 200_000)
		db := storetest.Open(b, d)
		load(b, db, readings)
		ids := make([]sensor.ID, 200)
		for i := range ids {
			ids[i] = readings[i].ID
		}
		w := sensor.Window{From: noon, To: noon.Add(time.Hour)}
		var ours, theirs time.Duration
		for b.Loop() {
			begin, n := time.Now(), 0
			for _, err := range db.Readings(b.Context(), ids, w) {
				check(b, err)
				n++
			}
			ours += time.Since(begin)
			begin = time.Now()
			if scanned := scan(b.Context(), b, db); scanned != n || n != len(readings) {
				b.Fatalf("read %d and scanned %d of %d", n, scanned, len(readings))
			}
			theirs += time.Since(begin)
		}
		report(b, len(readings), ours, theirs)
	})
}

func scan(ctx context.Context, b *testing.B, db *store.DB) (n int) {
	reader, _ := db.Pools()
	rows, err := reader.QueryContext(ctx, db.Text("SELECT sensor_id, ts, value FROM dbo.readings ORDER BY sensor_id, ts"))
	check(b, err)
	defer rows.Close()
	var key int64
	var ts any
	var value float64
	for rows.Next() {
		check(b, rows.Scan(&key, &ts, &value))
		n++
	}
	check(b, rows.Err())
	return n
}

// BenchmarkCostInStep loads 100 sensors' readings, 10 times as many, and as many
// of 10 times the sensors: "x10-readings" and "x10-sensors" are the ratios of time.
func BenchmarkCostInStep(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		small, large, wide := fleet(100, 100_000), fleet(100, 1_000_000), fleet(1000, 100_000)
		var times [3]time.Duration
		for b.Loop() {
			for i, readings := range [][]sensor.Reading{small, large, wide} {
				times[i] += load(b, storetest.Open(b, d), readings)
			}
		}
		b.ReportMetric(times[1].Seconds()/times[0].Seconds(), "x10-readings")
		b.ReportMetric(times[2].Seconds()/times[0].Seconds(), "x10-sensors")
		b.ReportMetric(0, "ns/op")
	})
}
