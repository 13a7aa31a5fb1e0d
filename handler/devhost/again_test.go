package devhost

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// coincidences are the cases in which two things happen together that only the clock
// brings together: a message is in flight when another one's time is up. On a busy
// machine they may miss each other, and then the case has not been played.
var coincidences = []string{"crash-in-invocation", "function-timeout", "function-timeout-two", "function-timeout-staggered"}

// plays is how often such a case is played until it comes out as recorded.
const plays = 5

// playPatience is how long a play waits for what a missed coincidence never brings.
const playPatience = time.Minute

// play plays a case, and compares it with the recording.
func play(t *testing.T, name string, f func(*replay)) {
	t.Helper()
	if !slices.Contains(coincidences, name) {
		f(newReplay(t, name))
		return
	}
	playUntilRight(t, func(t testing.TB) {
		r := newReplay(t, name)
		r.patience = playPatience
		defer func() {
			if r.host != nil {
				r.host.Close()
			}
		}()
		f(r)
	})
}

// playUntilRight calls f until nothing goes wrong in it, so many times at most.
func playUntilRight(t *testing.T, f func(testing.TB)) {
	t.Helper()
	for n := 1; ; n++ {
		p := &onePlay{TB: t}
		p.run(func() { f(p) })
		switch {
		case len(p.wrong) == 0:
			return
		case n == plays:
			t.Errorf("played %d times; the last time: %s", plays, p.wrong)
			return
		}
		t.Logf("played %d times: %s", n, p.wrong)
	}
}

// onePlay keeps what goes wrong in one play.
type onePlay struct {
	testing.TB
	mu    sync.Mutex
	wrong []string
}

// run calls f, which may end its goroutine as a test does.
func (p *onePlay) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (p *onePlay) add(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, text)
}

func (p *onePlay) Error(args ...any)                 { p.add(fmt.Sprint(args...)) }
func (p *onePlay) Errorf(format string, args ...any) { p.add(fmt.Sprintf(format, args...)) }

func (p *onePlay) Fatal(args ...any) {
	p.add(fmt.Sprint(args...))
	runtime.Goexit()
}

func (p *onePlay) Fatalf(format string, args ...any) {
	p.add(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// TestPlays plays a case of a coincidence that comes out at once, and one that comes out at
// the last play.
func TestPlays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wrong, plays int
	}{{0, 1}, {plays - 1, plays}} {
		n := 0
		play(t, "function-timeout", func(r *replay) {
			if n++; n <= c.wrong {
				r.t.Fatal("missed")
			}
		})
		if n != c.plays {
			t.Errorf("wrong %d times: played %d times, want %d", c.wrong, n, c.plays)
		}
	}
}
