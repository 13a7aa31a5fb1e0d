package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

// eachDialect runs f on every dialect that can be had.
func eachDialect(b *testing.B, f func(b *testing.B, d storetest.Dialect)) {
	b.Run("sqlite", func(b *testing.B) { f(b, storetest.SQLite) })
	b.Run("sqlserver", func(b *testing.B) {
		needs.SQLServer(b)
		f(b, storetest.SQLServer)
	})
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// readingsOf returns n readings of some sensors, in the order in which they arrive: each
// sensor sends one a second.
func readingsOf(sensors, n int) []fleet.Reading {
	all := make([]fleet.Reading, n)
	for i := range all {
		s := i % sensors
		all[i] = fleet.Reading{
			ID:    fleet.ID{Device: fmt.Sprintf("device-%05d", s/4), Sensor: fmt.Sprintf("sensor-%d", s%4)},
			Time:  fleet.MillisOf(noon) + fleet.Millis(i/sensors)*1000,
			Value: float64(i%1000) / 7,
		}
	}
	return all
}

// batchSize is how many events the host hands over at most.
const batchSize = 1000

// load stores readings in batches of some size and returns the time it took.
func load(b *testing.B, db *store.DB, readings []fleet.Reading, size int) time.Duration {
	begin := time.Now()
	for batch := range slices.Chunk(readings, size) {
		stored, err := db.InsertReadings(b.Context(), batch, fleet.Delivery{})
		if err != nil || len(stored.Rejected) > 0 {
			b.Fatal(err, stored)
		}
	}
	return time.Since(begin)
}

// bare stores rows of the same keys and values without any care: no sensors,
// no check, no look at what is there, in one transaction. On SQL Server it bulk
// copies past database/sql, as the store does.
func bare(b *testing.B, db *store.DB, isSQLServer bool, readings []fleet.Reading) time.Duration {
	keys := map[fleet.ID]int64{}
	for _, r := range readings {
		if keys[r.ID] == 0 {
			keys[r.ID] = int64(len(keys) + 1)
		}
	}
	insert := bareRows
	if isSQLServer {
		insert = bareBulk
	}
	_, writer := db.Pools()
	begin := time.Now()
	conn, err := writer.Conn(b.Context())
	check(b, err)
	defer conn.Close()
	tx, err := conn.BeginTx(b.Context(), nil)
	check(b, err)
	check(b, insert(b.Context(), db, conn, tx, keys, readings))
	check(b, tx.Commit())
	return time.Since(begin)
}

func bareRows(ctx context.Context, _ *store.DB, _ *sql.Conn, tx *sql.Tx, keys map[fleet.ID]int64, batch []fleet.Reading) error {
	stmt, err := tx.PrepareContext(ctx, "INSERT INTO readings (sensor_id, ts, value) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	for _, r := range batch {
		if _, err := stmt.ExecContext(ctx, keys[r.ID], int64(r.Time), r.Value); err != nil {
			return err
		}
	}
	return stmt.Close()
}

func bareBulk(ctx context.Context, db *store.DB, conn *sql.Conn, _ *sql.Tx, keys map[fleet.ID]int64, batch []fleet.Reading) error {
	return conn.Raw(func(driver any) error {
		bulk := driver.(*mssql.Conn).CreateBulkContext(ctx, db.Text("dbo.readings"), []string{"sensor_id", "ts", "value"})
		for _, r := range batch {
			if err := bulk.AddRow([]any{keys[r.ID], r.Time.Time(), r.Value}); err != nil {
				return err
			}
		}
		_, err := bulk.Done()
		return err
	})
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkLoad stores readings through the store and, by turns, by a bare bulk
// insert: in batches of 1,000 events of one reading each, and of 10,000, the
// most that ingest stores in one transaction.
func BenchmarkLoad(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		for _, size := range []int{batchSize, 10 * batchSize} {
			b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkLoad(b, d, size) })
		}
	})
}

func benchmarkLoad(b *testing.B, d storetest.Dialect, size int) {
	isSQLServer := d.Name == storetest.SQLServer.Name
	readings := readingsOf(200, 100_000)
	var t turns
	for b.Loop() {
		ours, theirs := storetest.Open(b, d), storetest.Open(b, d)
		load(b, ours, readings[:size], size) // the sensors are known and a connection is open
		bare(b, theirs, isSQLServer, readings[:size])
		for batch := range slices.Chunk(readings[size:], size) {
			t.add(size, load(b, ours, batch, size), bare(b, theirs, isSQLServer, batch))
		}
	}
	t.report(b)
}

// BenchmarkReplay stores readings that are all stored already.
func BenchmarkReplay(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		readings := readingsOf(200, 100_000)
		db := storetest.Open(b, d)
		load(b, db, readings, batchSize)
		var took time.Duration
		for b.Loop() {
			took += load(b, db, readings, batchSize)
		}
		b.ReportMetric(float64(b.N*len(readings))/took.Seconds(), "rows/s")
		b.ReportMetric(0, "ns/op")
	})
}

// turns are the times of the store and of its bare opponent, taken by turns, so
// that what else the machine does meanwhile slows both down alike.
type turns struct {
	rows         int
	ours, theirs []time.Duration
}

func (t *turns) add(rows int, ours, theirs time.Duration) {
	t.rows += rows
	t.ours, t.theirs = append(t.ours, ours), append(t.theirs, theirs)
}

// report reports both rates and the store's in per cent of the bare one: over
// all ("%bare"), by the medians and by the fastest turns.
func (t *turns) report(b *testing.B) {
	total := func(d []time.Duration) (sum time.Duration) {
		for _, d := range d {
			sum += d
		}
		return sum
	}
	median := func(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }
	ratio := func(f func([]time.Duration) time.Duration) float64 {
		return 100 * float64(f(t.theirs)) / float64(f(t.ours))
	}
	b.ReportMetric(float64(t.rows)/total(t.ours).Seconds(), "rows/s")
	b.ReportMetric(float64(t.rows)/total(t.theirs).Seconds(), "bare-rows/s")
	b.ReportMetric(ratio(total), "%bare")
	b.ReportMetric(ratio(median), "%bare-median")
	b.ReportMetric(ratio(slices.Min[[]time.Duration]), "%bare-fastest")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReadBack reads windows of 200 sensors as a message of jobs does,
// and, in the same run, by a bare scan of the same rows.
func BenchmarkReadBack(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		readings := readingsOf(200, 200_000)
		db := storetest.Open(b, d)
		load(b, db, readings, 10*batchSize)
		ids := make([]fleet.ID, 200)
		for i := range ids {
			ids[i] = readings[i].ID
		}
		w := fleet.Window{From: noon, To: noon.Add(time.Hour)}
		var t turns
		for b.Loop() {
			begin, n := time.Now(), 0
			for _, err := range db.Readings(b.Context(), ids, w) {
				check(b, err)
				n++
			}
			ours := time.Since(begin)
			begin = time.Now()
			if scanned := scan(b.Context(), b, db); scanned != n || n != len(readings) {
				b.Fatalf("read %d and scanned %d of %d", n, scanned, len(readings))
			}
			t.add(n, ours, time.Since(begin))
		}
		t.report(b)
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
		small, large, wide := readingsOf(100, 100_000), readingsOf(100, 1_000_000), readingsOf(1000, 100_000)
		var times [3]time.Duration
		for b.Loop() {
			for i, readings := range [][]fleet.Reading{small, large, wide} {
				times[i] += load(b, storetest.Open(b, d), readings, batchSize)
			}
		}
		b.ReportMetric(times[1].Seconds()/times[0].Seconds(), "x10-readings")
		b.ReportMetric(times[2].Seconds()/times[0].Seconds(), "x10-sensors")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkLate stores readings of 720 sensors in events of 96, a hundred a batch,
// that lie before the watermark, and, by turns, the same in time: "late/in-time" is
// the ratio of the median CPU times, those of a server not counted. There are no scheduled runs, those of a year after the
// readings, or those over their own time.
func BenchmarkLate(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		b.Run("before-all-runs", func(b *testing.B) { benchmarkLate(b, d, 0, noon.AddDate(1, 0, 0)) })
		b.Run("before-8760-runs", func(b *testing.B) { benchmarkLate(b, d, 8760, noon.AddDate(1, 0, 0)) })
		b.Run("in-100-runs", func(b *testing.B) { benchmarkLate(b, d, 100, noon) })
	})
}

// eventsOf returns readings of sensors, one a second, as devices send them that were
// offline: in events of 96 of one sensor.
func eventsOf(sensors, rounds int) (all []fleet.Reading) {
	for round := range rounds {
		for s := range sensors {
			id := fleet.ID{Device: fmt.Sprintf("device-%05d", s/4), Sensor: fmt.Sprintf("sensor-%d", s%4)}
			for i := range 96 {
				n := round*96 + i
				all = append(all, fleet.Reading{ID: id, Time: fleet.MillisOf(noon) + fleet.Millis(n)*1000, Value: float64(n%1000) / 7})
			}
		}
	}
	return all
}

// cpu returns the CPU time that f takes.
func cpu(f func()) time.Duration {
	begin := measure.CPU()
	f()
	return measure.CPU() - begin
}

func benchmarkLate(b *testing.B, d storetest.Dialect, runs int, first time.Time) {
	const size = 9600
	all := eventsOf(720, 5)
	var t turns
	for b.Loop() {
		late, inTime := storetest.Open(b, d), storetest.Open(b, d)
		check(b, late.InitWatermark(b.Context(), first))
		for i := range runs {
			w := fleet.Window{From: first.Add(time.Duration(i) * time.Hour), To: first.Add(time.Duration(i+1) * time.Hour)}
			opened, err := late.OpenScheduled(b.Context(), w, fleet.Settings{}, w.To, runs+1)
			if err != nil || !opened {
				b.Fatal(opened, err)
			}
		}
		warm := all[:720*96] // the sensors are known and a connection is open
		load(b, late, warm, size)
		load(b, inTime, warm, size)
		for batch := range slices.Chunk(all[len(warm):], size) {
			t.add(len(batch), cpu(func() { load(b, late, batch, size) }), cpu(func() { load(b, inTime, batch, size) }))
		}
	}
	median := func(d []time.Duration) float64 {
		return float64(slices.Sorted(slices.Values(d))[len(d)/2].Nanoseconds()) / size / 1000
	}
	b.ReportMetric(median(t.ours)/median(t.theirs), "late/in-time")
	b.ReportMetric(median(t.theirs), "µs-in-time")
	b.ReportMetric(median(t.ours), "µs-late")
	b.ReportMetric(0, "ns/op")
}
