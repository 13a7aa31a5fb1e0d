package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestSchemaIsMadeOnce has ten callers wait for the tables. The first attempt to make them
// fails, for one of the callers.
func TestSchemaIsMadeOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := &schema{turn: make(chan struct{}, 1), migrate: func(context.Context) error {
		if calls.Add(1) == 1 {
			return fleet.ErrUnavailable
		}
		return nil
	}}
	var failed atomic.Int32
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := s.ready(t.Context()); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 2 || failed.Load() != 1 {
		t.Errorf("%d attempts, %d callers failed; want 2 and 1", calls.Load(), failed.Load())
	}
	s.turn <- struct{}{} // another caller makes the tables, and does not come to an end
	s.done.Store(false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.ready(ctx); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("with a cancelled context: %v, want %v", err, fleet.ErrUnavailable)
	}
}
