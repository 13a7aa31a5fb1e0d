package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestSchemaIsMadeOnce lets many wait for the tables while the first attempt to make them fails.
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
	s.turn <- struct{}{} // someone is at it, for ever
	s.done.Store(false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.ready(ctx); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
