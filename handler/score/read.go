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

// chunkPoints is how many points go from the reader to a worker at a time. A
// window of no more leaves its connection to SQL before it is scored.
const chunkPoints = 4096

// chunk are some points of one job. It is used again once they are scored.
type chunk []point

// feed carries the readings of one job, piece by piece, from the reader to its
// worker.
type feed[T any] struct {
	pieces  chan T
	err     error         // set before pieces is closed: why they are not all
	stopped chan struct{} // closed when the worker takes no more
}

func newFeed[T any]() *feed[T] {
	return &feed[T]{pieces: make(chan T, 1), stopped: make(chan struct{})}
}

// send passes a piece on, unless the worker has stopped.
func (f *feed[T]) send(ctx context.Context, piece T) {
	select {
	case f.pieces <- piece:
	case <-f.stopped:
	case <-ctx.Done():
	}
}

// close ends the feed, before all its pieces were sent if err is not nil.
func (f *feed[T]) close(err error) {
	f.err = err
	close(f.pieces)
}

func (f *feed[T]) stop() { close(f.stopped) }

// each yields the pieces sent, and an error if they are not all.
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

// scoreAll reads the readings of all sensors' tasks, which are sorted, in one range
// query, and hands those of each to a worker.
func (p *pass) scoreAll(ctx context.Context, tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	ids := make([]fleet.ID, len(tasks))
	for i, t := range tasks {
		ids[i] = t.key.ID
	}
	r := reader{pass: p, tasks: tasks}
	r.g.SetLimit(workers)
	r.next(ctx)
	for reading, err := range p.Readings.Readings(ctx, ids, p.run.Window) {
		if err == nil {
			err = r.take(ctx, reading)
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
	*pass
	tasks []*task       // the first is the one being read; all later ones follow
	feed  *feed[*chunk] // of the first
	chunk *chunk        // for the feed; nil before its first point
	err   error         // why reading stopped
	g     spawn.Group
}

// next starts the worker of the first task; it waits while all are busy.
func (r *reader) next(ctx context.Context) {
	t, f := r.tasks[0], newFeed[*chunk]()
	r.feed = f
	r.g.Start(func() error {
		t.caught(func() { r.score(ctx, t, f) })
		return nil
	})
}

// take adds a reading to its task.
func (r *reader) take(ctx context.Context, reading fleet.Reading) error {
	for r.tasks[0].key.ID != reading.ID {
		if len(r.tasks) == 1 {
			return fmt.Errorf("a reading of %s came out of order", reading.ID)
		}
		r.done(ctx)
		r.next(ctx)
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

// send passes the chunk on.
func (r *reader) send(ctx context.Context) {
	if r.chunk != nil {
		r.feed.send(ctx, r.chunk)
		r.chunk = nil
	}
}

// done ends the first task's feed, in error if reading has stopped.
func (r *reader) done(ctx context.Context) {
	r.send(ctx)
	r.feed.close(r.err)
	r.tasks = r.tasks[1:]
}

// finish ends the feeds of all tasks left: they have no more readings, or, if
// reading has stopped, share its error.
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
