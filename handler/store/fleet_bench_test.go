package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

const workersOfInstance = 24

// retries counts what the store says of statements tried again.
type retries struct {
	slog.Handler
	n *atomic.Int64
}

func (r retries) Enabled(context.Context, slog.Level) bool { return true }

func (r retries) Handle(context.Context, slog.Record) error {
	r.n.Add(1)
	return nil
}

// BenchmarkFleet has 1 to 20 instances, each with its own connections and 24
// workers, close 20,000 jobs of 10 runs on one database, every worker trying to
// end the run after each close. Every run must end, once. Metrics:
//
//	ms/close, p99-ms/close  the time CloseJob takes
//	conn-wait-ms/close      of it and of the look for the end: waiting for one of the instance's connections
//	retries/1000            statements tried again, for a lock or a deadlock, per 1,000 closes
//	%blocked                samples of the server in which a session waited for a lock (SQL Server)
func BenchmarkFleet(b *testing.B) {
	eachDialect(b, func(b *testing.B, d storetest.Dialect) {
		for _, instances := range []int{1, 2, 5, 10, 20} {
			b.Run(fmt.Sprintf("instances=%d", instances), func(b *testing.B) { closeFleet(b, d, instances) })
		}
	})
}

func closeFleet(b *testing.B, d storetest.Dialect, instances int) {
	const runs = 10
	sensors := 2000
	if testing.Short() {
		sensors = 100
	}
	dsn := d.DSN(b)
	jobs := openFleet(b, storetest.Connect(b, dsn), 1+runs, sensors)
	var tried atomic.Int64
	dbs := make([]*store.DB, instances)
	for i := range dbs {
		db, err := store.Open(dsn, store.Options{Log: slog.New(retries{slog.DiscardHandler, &tried})})
		check(b, err)
		defer db.Close()
		dbs[i] = db
	}
	closeAll(b, dbs, jobs[:sensors]) // opens all connections, unmeasured
	jobs = jobs[sensors:]
	blocked := sampleBlocked(b, dbs[0], d)
	waitedBefore := waitForConns(dbs)
	b.ResetTimer()
	begin := time.Now()
	times, ends := closeAll(b, dbs, jobs)
	took := time.Since(begin)
	b.StopTimer()

	if ends != runs {
		b.Fatalf("%d runs were ended %d times", runs, ends)
	}
	if left, err := dbs[0].RunsToEnd(b.Context()); err != nil || len(left) > 0 {
		b.Fatalf("left to end: %v, %v", left, err)
	}
	waited := waitForConns(dbs) - waitedBefore
	var sum time.Duration
	slices.Sort(times)
	for _, t := range times {
		sum += t
	}
	n := float64(len(jobs))
	b.ReportMetric(n/took.Seconds(), "closes/s")
	b.ReportMetric(sum.Seconds()*1000/n, "ms/close")
	b.ReportMetric(times[len(times)*99/100].Seconds()*1000, "p99-ms/close")
	b.ReportMetric(waited.Seconds()*1000/n, "conn-wait-ms/close")
	b.ReportMetric(float64(tried.Load())*1000/n, "retries/1000")
	if share, ok := blocked(); ok {
		b.ReportMetric(share, "%blocked")
	}
	b.ReportMetric(0, "ns/op")
}

// waitForConns returns how long callers have waited for a connection.
func waitForConns(dbs []*store.DB) (sum time.Duration) {
	for _, db := range dbs {
		reader, writer := db.Pools()
		sum += reader.Stats().WaitDuration
		if writer != reader {
			sum += writer.Stats().WaitDuration
		}
	}
	return sum
}

type fleetJob struct {
	run string
	key fleet.JobKey
}

// openFleet opens runs and returns their jobs as a queue would deliver them,
// somewhat out of order but for the first run's.
func openFleet(b *testing.B, db *store.DB, runs, sensors int) []fleetJob {
	readings := readingsOf(sensors, sensors)
	load(b, db, readings, batchSize)
	var jobs []fleetJob
	for i := range runs {
		from := noon.Add(time.Duration(i) * time.Hour)
		run, _, err := db.OpenRequested(b.Context(), fleet.Window{From: from, To: from.Add(time.Hour)}, nil, fleet.Settings{}, noon)
		check(b, err)
		for _, r := range readings {
			jobs = append(jobs, fleetJob{run.ID, fleet.JobKey{ID: r.ID}})
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	rest := jobs[sensors:]
	for i := range rest {
		j := min(len(rest)-1, i+random.IntN(1000))
		rest[i], rest[j] = rest[j], rest[i]
	}
	return jobs
}

// closeAll has the workers of all instances close jobs, and returns the time
// of each close and how often a run was ended.
func closeAll(b *testing.B, dbs []*store.DB, jobs []fleetJob) (times []time.Duration, ends int) {
	times = make([]time.Duration, len(jobs))
	var next, ended atomic.Int64
	var wg sync.WaitGroup
	for _, db := range dbs {
		for range workersOfInstance {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
					begin := time.Now()
					_, changed, err := db.CloseJob(b.Context(), jobs[i].run, jobs[i].key, fleet.Outcome{Result: fleet.Scored, CSVSHA256: "aa"}, noon)
					times[i] = time.Since(begin)
					if err != nil || !changed {
						b.Errorf("closing %v: changed %v, %v", jobs[i], changed, err)
						return
					}
					ok, err := storetest.TryToEnd(b.Context(), db, jobs[i].run)
					if err != nil {
						b.Error(err)
						return
					}
					if ok {
						ended.Add(1)
					}
				}
			})
		}
	}
	wg.Wait()
	return times, int(ended.Load())
}

// sampleBlocked looks, every 50 ms, whether sessions of the server wait for
// locks of others. The function it returns stops that and gives the share of
// samples in which one did; ok is false where the server does not tell.
func sampleBlocked(b *testing.B, db *store.DB, d storetest.Dialect) func() (share float64, ok bool) {
	if d.Name != "sqlserver" {
		return func() (float64, bool) { return 0, false }
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	samples, waiting := 0, 0
	pool, _ := db.Pools()
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			var n sql.NullInt64
			if pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM sys.sysprocesses WHERE blocked <> 0 AND (lastwaittype LIKE 'LCK%' OR lastwaittype = 'Lock')").Scan(&n) != nil {
				return
			}
			samples++
			if n.Int64 > 0 {
				waiting++
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() (float64, bool) {
		cancel()
		<-done
		return 100 * float64(waiting) / float64(max(samples, 1)), samples > 0
	}
}
