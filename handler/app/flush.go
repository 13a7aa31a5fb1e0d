package app

import (
	"time"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// flusher calls a function at intervals, and a last time at the end of the process. It records the
// counts of ingested events. A batch cannot do that, as the next one may come late, and the tick
// cannot, as it runs in one process only.
type flusher struct {
	stop  chan struct{}
	ended <-chan error
	flush func(last bool)
}

// flushEvery calls flush(false) whenever d has passed.
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

// end stops the calls, and calls flush(true).
func (f *flusher) end() {
	close(f.stop)
	for range f.ended { // until it has ended
	}
	f.flush(true)
}
