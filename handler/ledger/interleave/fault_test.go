package interleave_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/score"
)

// errKilled is what a killed flow meets, from the kill on: nothing that it does
// has an effect any more.
var errKilled = errors.New("killed")

// verdict is what becomes of a step.
type verdict int

const (
	pass       verdict = iota
	killBefore         // the flow is killed, and the step not done
	killAfter          // the step is done, and then the flow is killed
	failBefore         // the step is not done, and fails
	failAfter          // the step is done, but its answer is lost
)

// flow is one invocation. Each of its steps waits for the director's word.
type flow struct {
	*world
	name     string
	steps    *steps
	priority float64
	dead     atomic.Bool
	done     chan error
}

// steps are those that wait.
type steps struct {
	mu      sync.Mutex
	waiting []*step
}

type step struct {
	flow *flow
	what string
	word chan verdict
}

// do does one step, as the director says. A killed flow does none.
func (f *flow) do(what string, effect func() error) error {
	if f.dead.Load() {
		return errKilled
	}
	s := &step{f, what, make(chan verdict)}
	f.steps.mu.Lock()
	f.steps.waiting = append(f.steps.waiting, s)
	f.steps.mu.Unlock()
	v := <-s.word
	switch {
	case f.dead.Load():
		return errKilled
	case v == killBefore:
		f.dead.Store(true)
		return errKilled
	case v == failBefore:
		return fmt.Errorf("%s: %w", what, fleet.ErrUnavailable)
	}
	err := effect()
	switch v {
	case killAfter:
		f.dead.Store(true)
		return errKilled
	case failAfter:
		return fmt.Errorf("%s, the answer: %w", what, fleet.ErrUnavailable)
	}
	return err
}

// faultyModels are the models as a flow sees them.
type faultyModels struct{ *flow }

func (f faultyModels) Attributes(context.Context, fleet.Model) (features.Attributes, error) {
	return nil, errors.New("there are none")
}

func (f faultyModels) Renew(context.Context, *slog.Logger, fleet.Model) error { return nil }

func (f faultyModels) Model(_ context.Context, version fleet.Model) (m score.Model, err error) {
	id := fleet.ID{Device: version.Device, Sensor: version.Title}
	err = f.do("model of "+id.String(), func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if m = threshold(f.published); id == orphaned && f.published == 0 {
			return fmt.Errorf("%s: %w", id, fleet.ErrNoModel)
		}
		return nil
	})
	return m, err
}

// faultyQueue is the queue as a flow sees it.
type faultyQueue struct{ *flow }

func (q faultyQueue) Send(_ context.Context, text string) error {
	return q.do("send "+text, func() error {
		q.queue.add(text)
		return nil
	})
}

func (q faultyQueue) ApproximateCount(context.Context) (n int, err error) {
	err = q.do("count messages", func() error {
		n = q.queue.count()
		return nil
	})
	return n, err
}
