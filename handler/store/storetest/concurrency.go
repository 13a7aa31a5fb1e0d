package storetest

import (
	"context"
	"flag"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

var rounds = flag.Int("storetest.rounds", 1000, "rounds of 32 closers of a run's last jobs")

// together calls f(0) to f(n-1) at once and waits for all.
func together(n int, f func(i int)) {
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wg.Wait()
}

// testLastClosers has 32 goroutines close the last 32 jobs of a run. Each then tries to end
// it. Exactly one succeeds.
func testLastClosers(t *testing.T, db *store.DB) {
	const closers = 32
	register(t, db, closers)
	n := *rounds
	if testing.Short() {
		n = 50
	}
	for round := range n {
		id := opened(t, db, round, 0)
		var ends atomic.Int32
		together(closers, func(i int) {
			ended, err := closeAndEnd(t.Context(), db, id, key(i, 0), scored("aa"))
			if err != nil {
				t.Error(err)
			}
			if ended {
				ends.Add(1)
			}
		})
		if ends.Load() != 1 {
			t.Fatalf("round %d: the run was ended %d times, want once", round, ends.Load())
		}
		equal(t, "state", run(t, db, id).State, fleet.RunSucceeded)
	}
}

// closeAndEnd closes a job, and closes it again as a duplicate message would,
// trying to end the run each time.
func closeAndEnd(ctx context.Context, db *store.DB, run string, key fleet.JobKey, o fleet.Outcome) (ended bool, err error) {
	if _, _, err := db.CloseJob(ctx, run, key, o, noon); err != nil {
		return false, err
	}
	return TryToEnd(ctx, db, run)
}

// testTwoTicks has two ticks open the same windows side by side.
func testTwoTicks(t *testing.T, db *store.DB) {
	const windows, ticks = 50, 2
	register(t, db, 10)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	var done [ticks]int
	together(ticks, func(tick int) {
		for i := 0; i < windows; {
			ok, err := db.OpenScheduled(t.Context(), hour(i), fleet.Settings{}, noon, windows)
			if err != nil {
				t.Error(err)
				return
			}
			if ok {
				done[tick]++
			}
			i++ // opened, by whomever
		}
	})
	equal(t, "windows opened", done[0]+done[1], windows)
	wantWatermark(t, db, hour(windows).From)
	for i := range windows {
		counts, err := db.Counts(t.Context(), hour(i).RunID())
		check(t, err)
		equal(t, "jobs of "+hour(i).RunID(), counts[fleet.Queued], 10)
	}
}

// testAdoptionRace has a request and the schedule open the same window, while
// others close its jobs.
func testAdoptionRace(t *testing.T, db *store.DB) {
	const windows, sensors = 30, 8
	register(t, db, sensors)
	check(t, db.InitWatermark(t.Context(), hour(0).From))
	for i := range windows {
		id := hour(i).RunID()
		created := false
		together(2+sensors, func(n int) {
			var err error
			switch n {
			case 0:
				_, created, err = db.OpenRequested(t.Context(), hour(i), nil, fleet.Settings{}, noon)
			case 1:
				_, err = db.OpenScheduled(t.Context(), hour(i), fleet.Settings{}, noon, windows+1)
			default:
				_, err = closeWhatIs(t.Context(), db, id, n-2)
			}
			if err != nil {
				t.Error(err)
			}
		})
		r := run(t, db, id)
		equal(t, "kind", r.Kind, fleet.Scheduled)
		equal(t, "adopted", r.Epoch > 0, created)
		finish(t, db, id, sensors)
	}
}

// closeWhatIs closes a job at whatever revision it has, if there is one.
func closeWhatIs(ctx context.Context, db *store.DB, run string, i int) (ended bool, err error) {
	jobs, err := db.Jobs(ctx, run, []fleet.ID{id(i)})
	if err != nil || len(jobs) == 0 {
		return false, err
	}
	return closeAndEnd(ctx, db, run, jobs[0].JobKey, scored("aa"))
}

// finish closes all jobs of a run and checks that it ends, or had ended.
func finish(t testing.TB, db *store.DB, id string, sensors int) {
	t.Helper()
	for i := range sensors {
		_, err := closeWhatIs(t.Context(), db, id, i)
		check(t, err)
	}
	_, err := TryToEnd(t.Context(), db, id)
	check(t, err)
	r := run(t, db, id)
	equal(t, "state of "+id, r.State, fleet.RunSucceeded)
	counts, err := db.Counts(t.Context(), id)
	check(t, err)
	equal(t, "scored", counts[fleet.Scored], sensors)
}

// testRescoreWhileClosing re-opens jobs while others close them and end the run. No end stays
// after a re-opening, and the run ends at most once in an epoch.
func testRescoreWhileClosing(t *testing.T, db *store.DB) {
	const jobs, rescores, closers = 16, 12, 8
	id := opened(t, db, 0, jobs)
	ends := make([][]int, closers)
	var stop atomic.Bool
	together(closers+1, func(n int) {
		if n == closers {
			defer stop.Store(true)
			for k := range rescores {
				one := func(i fleet.ID) bool { return i == sensorID(k%jobs) }
				if _, _, err := db.Rescore(t.Context(), id, one, nil, nil, noon); err != nil {
					t.Error(err)
				}
			}
			return
		}
		for i := n; !stop.Load(); i++ {
			r, err := db.Run(t.Context(), id)
			if err == nil {
				var ended bool
				if ended, err = closeWhatIs(t.Context(), db, id, i%jobs); ended {
					ends[n] = append(ends[n], r.Epoch)
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	total := 0
	for _, e := range ends {
		total += len(e)
	}
	if r := run(t, db, id); total > r.Epoch+1 {
		t.Errorf("the run was ended %d times in %d epochs, want at most once in each", total, r.Epoch+1)
	}
	equal(t, "epoch", run(t, db, id).Epoch, rescores)
	finish(t, db, id, jobs)
}

// testLateSuccessWhileEnding has failed jobs succeed late while others end the run. The last
// end has all of them.
func testLateSuccessWhileEnding(t *testing.T, db *store.DB) {
	const jobs, repeats = 4, 50
	register(t, db, jobs)
	for round := range repeats {
		id := opened(t, db, round, 0)
		for i := range jobs {
			closeJob(t, db, id, key(i, 0), fleet.Outcome{Result: fleet.Failed})
		}
		together(2*jobs, func(n int) {
			var err error
			if n < jobs {
				_, err = closeAndEnd(t.Context(), db, id, key(n, 0), scored("aa"))
			} else {
				_, err = TryToEnd(t.Context(), db, id)
			}
			if err != nil {
				t.Error(err)
			}
		})
		equal(t, "epoch", run(t, db, id).Epoch, jobs)
		finish(t, db, id, jobs)
	}
}
