package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// laterDeadline bounds what is done after a request was answered. The tick does what
// was not finished.
const laterDeadline = 8 * time.Minute

// later runs functions after the request that asked for them was answered.
type later struct {
	log     *slog.Logger
	ctx     context.Context // until the application is closed
	cancel  context.CancelFunc
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

func newLater(log *slog.Logger) *later {
	l := &later{log: log}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// do begins f, and does not wait for its end. It does nothing once the
// application is closed.
func (l *later) do(f func(context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.running.Add(1)
	spawn.Go(func() error {
		defer l.running.Done()
		ctx, cancel := context.WithTimeout(l.ctx, laterDeadline)
		defer cancel()
		err := spawn.Catch(func() error {
			f(ctx)
			return nil
		})
		if err != nil {
			l.log.Error("what was left after an answer is left to the tick", "err", err)
		}
		return nil
	})
}

// end cancels what is being done and waits for it.
func (l *later) end() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.running.Wait()
}
