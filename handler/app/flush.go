package app

import (
	"time"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// flusher calls a function from time to time, and once more at its end. What was
// ingested is recorded by it: the next batch may come late, and not every process runs
// the tick.
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

// end has the function called a last time.
func (f *flusher) end() {
	close(f.stop)
	for range f.ended { // until it has ended
	}
	f.flush(true)
}
