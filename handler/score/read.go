package score

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// chunkPoints is how many points the reader sends to a worker at a time. If a window
// has no more, its connection to SQL is free again before the window is scored.
const chunkPoints = 4096

// chunk holds points of one job. Once they are scored, another job uses it.
type chunk []point

// feed carries the readings of one job, piece by piece, from the reader to its
// worker.
type feed[T any] struct {
	pieces  chan T
	err     error         // set before pieces is closed, if pieces are missing
	stopped chan struct{} // closed when the worker takes no more
}

func newFeed[T any]() *feed[T] {
	return &feed[T]{pieces: make(chan T, 1), stopped: make(chan struct{})}
}

// send sends a piece to the worker, unless that has stopped.
func (f *feed[T]) send(ctx context.Context, piece T) {
	select {
	case f.pieces <- piece:
	case <-f.stopped:
	case <-ctx.Done():
	}
}

// close ends the feed. An err that is not nil says why pieces are missing.
func (f *feed[T]) close(err error) {
	f.err = err
	close(f.pieces)
}

func (f *feed[T]) stop() { close(f.stopped) }

// each yields the pieces. Its error says that some are missing.
func (f *feed[T]) each(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for piece := range f.pieces {
			if !yield(piece, nil) {
				return
			}
		}
		var none T
		if f.err != nil {
			yield(none, f.err)
		} else if ctx.Err() != nil { // send may have dropped a piece
			yield(none, fmt.Errorf("reading its window: %w", context.Cause(ctx)))
		}
	}
}

// scoreAll is the second step of sensors' jobs. It reads the readings of all tasks,
// which are sorted, in one range query, and sends those of each to a worker.
func (p *processor) scoreAll(ctx context.Context, tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	ids := make([]fleet.ID, len(tasks))
	for i, t := range tasks {
		ids[i] = t.key.ID
	}
	r := reader{processor: p, tasks: tasks}
	r.g.SetLimit(workers)
	r.next(ctx)
	for reading, err := range p.Readings.Readings(ctx, ids, p.run.Window) {
		if err == nil {
			err = r.take(ctx, &reading)
		}
		if err != nil {
			r.err = fmt.Errorf("read readings of run %s: %w", p.run.ID, err)
			break
		}
	}
	r.finish(ctx)
	_ = r.g.Wait() // each task has its own error
}

// reader distributes readings to the workers of tasks, one after another.
type reader struct {
	*processor
	tasks []*task       // those not read yet; the first is being read
	id    fleet.ID      // its sensor, with the same strings as its readings, which makes comparing fast
	feed  *feed[*chunk] // of the first
	chunk *chunk        // for the feed; nil before its first point
	err   error         // why reading stopped
	g     spawn.Group
}

// next starts a worker for the first task. It waits while all workers are busy.
func (r *reader) next(ctx context.Context) {
	t, f := r.tasks[0], newFeed[*chunk]()
	r.feed = f
	r.g.Start(func() error {
		t.caught(func() { r.score(ctx, t, f) })
		return nil
	})
}

// take adds a reading to its task.
func (r *reader) take(ctx context.Context, reading *fleet.Reading) error {
	if r.id != reading.ID {
		if err := r.find(ctx, reading.ID); err != nil {
			return err
		}
	}
	if r.chunk == nil {
		r.chunk = r.chunks.get()
		*r.chunk = slices.Grow((*r.chunk)[:0], chunkPoints)
	}
	*r.chunk = append(*r.chunk, point{reading.Time, reading.Value})
	if len(*r.chunk) == chunkPoints {
		r.send(ctx)
	}
	return nil
}

// find makes the task of a sensor the first.
func (r *reader) find(ctx context.Context, id fleet.ID) error {
	for r.tasks[0].key.ID != id {
		if len(r.tasks) == 1 {
			return fmt.Errorf("a reading of %s came out of order", id)
		}
		r.done(ctx)
		r.next(ctx)
	}
	r.id = id
	return nil
}

// send sends the chunk to the worker.
func (r *reader) send(ctx context.Context) {
	if r.chunk != nil {
		r.feed.send(ctx, r.chunk)
		r.chunk = nil
	}
}

// done ends the feed of the first task, with the error that stopped the reading, if any.
func (r *reader) done(ctx context.Context) {
	r.send(ctx)
	r.feed.close(r.err)
	r.tasks = r.tasks[1:]
}

// finish ends the feeds of all tasks that are left. They have no more readings, or they
// get the error that stopped the reading.
func (r *reader) finish(ctx context.Context) {
	r.done(ctx)
	for len(r.tasks) > 0 {
		if r.err != nil {
			r.tasks[0].err = r.err
			r.tasks = r.tasks[1:]
			continue
		}
		r.next(ctx)
		r.done(ctx)
	}
}

// pool keeps values to be used again, with what they have allocated.
type pool[T any] struct{ p sync.Pool }

func (p *pool[T]) get() *T {
	if v, ok := p.p.Get().(*T); ok {
		return v
	}
	return new(T)
}

func (p *pool[T]) put(v *T) { p.p.Put(v) }
