package app

import (
	"time"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// flusher has something said from time to time that no invocation says: batches
// may be long in coming, and not every process has a tick.
type flusher struct {
	stop  chan struct{}
	ended <-chan error
	flush func(last bool)
}

func flushEvery(d time.Duration, flush func(last bool)) *flusher {
	f := &flusher{stop: make(chan struct{}), flush: flush}
	f.ended = spawn.Go(func() error {
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				flush(false)
			case <-f.stop:
				return nil
			}
		}
	})
	return f
}

// end says the last.
func (f *flusher) end() {
	close(f.stop)
	for range f.ended { // until it has ended
	}
	f.flush(true)
}
