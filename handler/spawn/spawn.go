// Package spawn is the one way to start a goroutine in the handler.
//
// A panic in a goroutine ends the process with every invocation in flight,
// whatever its starter has deferred. Here it becomes an error, a [*Panic], which
// the starter gets like any other. A test of the package above finds the go
// statements that don't come this way.
package spawn

import (
	"context"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

// Panic is the error of a function that panicked.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Catch calls f and returns its error. If f panics, that is a [*Panic].
func Catch(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{v, debug.Stack()}
		}
	}()
	return f()
}

// Go starts f. The channel gets f's error, be it nil, is closed then, and need
// not be read.
func Go(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		defer close(done)
		done <- Catch(f)
	}()
	return done
}

// Group starts functions that belong together. The zero Group has no limit and
// ends no context.
type Group struct {
	zero errgroup.Group
	of   *errgroup.Group // nil: zero
}

func (g *Group) group() *errgroup.Group {
	if g.of != nil {
		return g.of
	}
	return &g.zero
}

// WithContext returns a group, and a context that ends when one of its
// functions returns an error or panics, or when Wait returns.
func WithContext(ctx context.Context) (*Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	return &Group{of: g}, ctx
}

// SetLimit bounds how many functions run at a time.
func (g *Group) SetLimit(n int) { g.group().SetLimit(n) }

// Start starts f; it waits first while as many run as the limit allows.
func (g *Group) Start(f func() error) {
	g.group().Go(func() error { return Catch(f) })
}

// Wait returns once all functions have, with the first error.
func (g *Group) Wait() error { return g.group().Wait() }

// Flight has those who ask for the same thing at the same time share one call.
// The zero Flight is ready.
type Flight[T any] struct{ group singleflight.Group }

// Do returns what f returns for key. If a call for key is running, Do waits for
// that one's result, and f is not called. It returns early with ctx's error when
// ctx ends; f goes on for the others.
func (s *Flight[T]) Do(ctx context.Context, key string, f func() (T, error)) (T, error) {
	shared := s.group.DoChan(key, func() (result any, err error) {
		err = Catch(func() (err error) {
			result, err = f()
			return err
		})
		return result, err
	})
	var none T
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-shared:
		result, ok := r.Val.(T)
		if !ok {
			return none, r.Err
		}
		return result, r.Err
	}
}
