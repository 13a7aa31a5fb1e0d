package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// laterDeadline is how long a function of [later] may take. The tick does the rest.
const laterDeadline = 8 * time.Minute

// later runs functions in the background, after the request that started them was answered.
type later struct {
	log     *slog.Logger
	ctx     context.Context // ends when the application is closed
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

// do starts f and does not wait for its end. It does nothing after the application was closed.
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
			l.log.Error("work after an answer failed and is left to the tick", "err", err)
		}
		return nil
	})
}

// end cancels the functions that are running, and waits for their end.
func (l *later) end() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.running.Wait()
}
