package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

var (
	faultRounds = flag.Int("faults", 10, "rounds of TestFaults")
	longFaults  = flag.Bool("long", false, "let one fault in three of TestFaults last for 60 s, not 1 s")
	faultSeed   = flag.Uint64("faultseed", 1, "seed of TestFaults; 0 takes one from the clock")
)

// certainRounds is how many rounds hit something with each kind of fault for certain.
const certainRounds = 100

// seedOf returns a seed, one from the clock for 0.
func seedOf(seed uint64) uint64 {
	if seed == 0 {
		return uint64(time.Now().UnixNano())
	}
	return seed
}

// faultFleet has few sensors, so that a round is short.
var faultFleet = simulate.Fleet{Seed: 3, Devices: 3, Every: 10 * time.Second}

// disturbance is one fault to come. lasting makes it, returns when all is well
// again, and tells how much it hit.
type disturbance struct {
	name    string
	lasting func(ctx context.Context, d time.Duration) (hits int)
}

// tally counts what was hit by each kind of fault, in all rounds.
type tally struct {
	mu   sync.Mutex
	hits map[string]int
}

func (c *tally) add(d disturbance, hits int) {
	kind, _, _ := strings.Cut(d.name, " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits[kind] += hits
}

// kinds are those that were to hit something.
func (c *tally) kinds() []string { return slices.Sorted(maps.Keys(c.hits)) }

// TestFaults lets the network to storage and SQL fail, locks the database,
// fills its disk, sets the clock back, and kills handler and host, all at
// random moments. After each round everything is as if nothing had been.
func TestFaults(t *testing.T) {
	t.Parallel()
	chosen := seedOf(*faultSeed)
	t.Logf("-faults %d -faultseed %d -long=%v", *faultRounds, chosen, *longFaults)
	if os.Getenv("TEST_SQLSERVER_DSN") == "" {
		t.Log("NO FAULTS before SQL Server: set TEST_SQLSERVER_DSN to have them there too")
	}
	var want [2]outcome
	for i, shape := range shapes {
		want[i] = undisturbedOutcome(t, shape)
	}
	all := &tally{hits: map[string]int{}}
	t.Run("round", func(t *testing.T) {
		for i := range *faultRounds {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				faultRound(t, i, want[i%2], rand.New(rand.NewPCG(chosen, uint64(i))), all)
			})
		}
	})
	for _, kind := range all.kinds() {
		t.Logf("%-8s hit %d times", kind, all.hits[kind])
		// A fault comes at a moment of its own, when there may be nothing to hit. So a
		// few rounds may miss with one kind; many do not.
		if all.hits[kind] == 0 && *faultRounds >= certainRounds {
			t.Errorf("%s hit nothing in %d rounds, want at least one hit: they have shown nothing of it", kind, *faultRounds)
		}
	}
}

// faultRound runs one shape of the pipeline and disturbs each of its parts.
func faultRound(t *testing.T, round int, want outcome, random *rand.Rand, all *tally) {
	proxies := map[string]*proxy{}
	l := shapes[round%2].layout(t)
	l.settings = append(l.settings, "SCORE_SENSORS_PER_MESSAGE", strconv.Itoa(1+random.IntN(8)))
	l.through = func(name, address string) string {
		proxies[name] = newProxy(t, address)
		return proxies[name].Addr().String()
	}
	if os.Getenv("TEST_SQLSERVER_DSN") != "" && round%4 >= 2 {
		l.sql = func(string) string { return migrated(t) }
	}
	if *longFaults {
		l.patience = 15 * time.Minute
		l.settings = append(l.settings, "AzureFunctionsJobHost__extensions__queues__visibilityTimeout", "00:00:15")
	}
	s := l.start(t)
	s.publishFleet(faultFleet)
	hits, part := 0, 0
	disturb := func(usualTime time.Duration) []func(context.Context) {
		faults := s.faults(random, proxies, want.pieces[part])
		picked := []disturbance{faults[(3*round+part)%len(faults)], faults[random.IntN(len(faults))]}[:1+random.IntN(2)]
		part++
		lasts := time.Second
		if *longFaults && random.IntN(3) == 0 {
			lasts = time.Minute
		}
		fail := func(ctx context.Context) {
			for _, f := range picked {
				n := f.lasting(ctx, lasts)
				t.Logf("%s for %v hit %d times", f.name, lasts, n)
				all.add(f, n)
				hits += n
			}
		}
		return []func(context.Context){fail, s.kills(rand.New(rand.NewPCG(random.Uint64(), 0)), usualTime+lasts/2)}
	}
	shapes[round%2].run(s, random.IntN(4), disturb)
	s.caughtUp()
	problems := s.look().differ(want)
	// The last kill may have come when all was done, and what came late is
	// scored with the next ticks.
	for end := time.Now().Add(s.patience); len(problems) > 0 && time.Now().Before(end); problems = s.look().differ(want) {
		time.Sleep(500 * time.Millisecond)
	}
	if len(problems) > 0 {
		t.Errorf("%d problems, the first of them:\n%.3000s", len(problems), strings.Join(problems[:min(len(problems), 5)], "\n"))
	}
	s.idle()
	if hits == 0 {
		t.Log("the faults came too late to hit anything")
	}
}

// faults are all that can be made to happen to s, each at a random point of the
// traffic that there usually is.
func (s *stack) faults(random *rand.Rand, proxies map[string]*proxy, usual map[string]int) (all []disturbance) {
	kinds := damages
	if !*longFaults {
		kinds = damages[:len(damages)-1] // dead connections are given up after half a minute
	}
	random = rand.New(rand.NewPCG(random.Uint64(), 0))
	if file, ok := strings.CutPrefix(s.sql, "file:"); ok {
		all = append(all, disturbance{"lock", s.holdLock})
		if runtime.GOOS == "linux" { // elsewhere no process can be kept from writing
			all = append(all, disturbance{"disk", func(ctx context.Context, d time.Duration) int { return s.fillDisk(ctx, file, d) }})
		}
	}
	for _, d := range kinds {
		for _, name := range []string{"blob", "queue", "sql"} {
			p := proxies[name]
			if p == nil {
				continue
			}
			after := 1 + random.IntN(usual[name]*3/4+1)
			all = append(all, disturbance{fmt.Sprintf("%s %s after %d", d, name, after), func(ctx context.Context, lasts time.Duration) int {
				return p.inject(ctx, d, after, lasts)
			}})
		}
	}
	return all
}

// holdLock holds the database's write lock for a time, as another process might.
func (s *stack) holdLock(ctx context.Context, lasts time.Duration) (hits int) {
	unlock, err := s.lock()
	if err != nil {
		s.Log(err)
		return 0
	}
	defer unlock()
	wait(ctx, lasts)
	return s.busy()
}

// lock takes the database's write lock.
func (s *stack) lock() (unlock func(), err error) {
	db, err := driver.Open(s.sql + "?_txlock=immediate&_pragma=busy_timeout(60000)")
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	tx, err := db.BeginTx(s.Context(), nil)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	return func() { tx.Rollback(); db.Close() }, nil
}

// fillDisk lets the handler's files grow no more, as on a full disk: writes
// beyond their end fail.
func (s *stack) fillDisk(ctx context.Context, file string, lasts time.Duration) (hits int) {
	end := time.Now().Add(lasts)
	full := map[int]bool{}
	for ctx.Err() == nil && time.Now().Before(end) { // a handler that was started meanwhile has its disk full too
		if pid, err := strconv.Atoi(s.host.ask("handler?")); err == nil && !full[pid] {
			var size int64
			for _, f := range []string{file, file + "-wal"} {
				if info, err := os.Stat(f); err == nil {
					size = max(size, info.Size())
				}
			}
			full[pid] = limitFiles(pid, size) == nil
		}
		wait(ctx, 50*time.Millisecond)
	}
	hits = s.busy()
	for pid := range full {
		limitFiles(pid, -1) // or it is dead
	}
	return hits
}

// busy is the number of invocations that a fault of the database holds up.
func (s *stack) busy() int {
	n, _ := strconv.Atoi(s.host.ask("in flight?"))
	return n
}

// idle waits until no invocation is in flight: one that never ends hangs.
func (s *stack) idle() {
	s.Helper()
	s.attempt("no invocation is in flight", func() error {
		if n := s.host.ask("in flight?"); n != "0" {
			return fmt.Errorf("%q are", n)
		}
		return nil
	})
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// migrated returns the DSN of tables of the test's own on SQL Server.
func migrated(t *testing.T) string {
	t.Helper()
	dsn := storetest.SQLServer.DSN(t)
	db, err := store.Open(dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dsn
}
