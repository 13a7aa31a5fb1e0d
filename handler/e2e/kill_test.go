package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

var (
	rounds = flag.Int("rounds", 20, "rounds of TestKilled")
	seed   = flag.Uint64("seed", 1, "seed of TestKilled; 0 takes one from the clock")
)

// undisturbed is what a run comes to that nobody disturbs, and how long its
// two halves take.
type undisturbed struct {
	predictions    map[string]string
	ingest, scores time.Duration
}

var killFleet = simulate.Fleet{Seed: 2, Devices: 10, Every: 5 * time.Second}

// TestKilled kills handler and host, with SIGKILL, at random moments of ingest,
// fan-out and scoring. The host is started again by the test, the handler by
// the host. Whatever was going on, the run ends with the bytes of an
// undisturbed one.
func TestKilled(t *testing.T) {
	t.Parallel()
	chosen := seedOf(*seed)
	t.Logf("-seed %d -rounds %d", chosen, *rounds)
	want := undisturb(t)
	for i := range *rounds {
		t.Run(fmt.Sprint("round", i), func(t *testing.T) {
			t.Parallel()
			killRound(t, want, rand.New(rand.NewPCG(chosen, uint64(i))))
		})
	}
}

func undisturb(t *testing.T) (u undisturbed) {
	t.Helper()
	s := newStack(t)
	s.publishFleet(killFleet)
	begin := time.Now()
	s.ingest(readings(killFleet, hour))
	u.ingest = time.Since(begin)
	begin = time.Now()
	r := s.ended(s.request(hour).ID)
	u.scores = time.Since(begin)
	u.predictions = s.predictions(r.ID)
	if r.State != fleet.RunSucceeded || len(u.predictions) != len(killFleet.Sensors())+1 {
		t.Fatalf("undisturbed, the run is %s with %d blobs, want %s with %d", r.State, len(u.predictions), fleet.RunSucceeded, len(killFleet.Sensors())+1)
	}
	return u
}

func killRound(t *testing.T, want undisturbed, random *rand.Rand) {
	s := newStack(t, "SCORE_SENSORS_PER_MESSAGE", strconv.Itoa(1+random.IntN(8)))
	s.publishFleet(killFleet)
	s.during(func() { s.ingest(readings(killFleet, hour)) }, s.kills(random, want.ingest))
	var r run
	s.during(func() { r = s.ended(s.request(hour).ID) }, s.kills(random, want.scores))
	r = s.ended(r.ID) // the last kill may have come after the end
	if r.State != fleet.RunSucceeded {
		t.Errorf("the run is %s, want %s", r.State, fleet.RunSucceeded)
	}
	same(t, s.predictions(r.ID), want.predictions)
}

// during does work while others disturb it; their context ends with the work.
func (s *stack) during(work func(), disturb ...func(context.Context)) {
	ctx, cancel := context.WithCancel(s.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel() // even if the work gives up
	for _, d := range disturb {
		wg.Go(func() { d(ctx) })
	}
	work()
}

// kills returns what kills handler or host, one to three times within about
// the time that the work takes if undisturbed.
func (s *stack) kills(random *rand.Rand, usual time.Duration) func(context.Context) {
	type kill struct {
		after time.Duration
		host  bool
	}
	kills := make([]kill, 1+random.IntN(3))
	for i := range kills {
		kills[i] = kill{time.Duration(random.Int64N(int64(usual))), random.IntN(2) == 0}
	}
	return func(ctx context.Context) {
		for _, k := range kills {
			select {
			case <-ctx.Done():
			case <-time.After(k.after):
			}
			s.Logf("kill after %v: host %v", k.after, k.host)
			if k.host {
				s.host.kill()
			} else {
				s.host.killHandler()
			}
		}
	}
}
