package spawn

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

var errOwn = errors.New("own")

// boom panics two calls deep, so that its stack has a name to look for.
func boom() error { panic("boom") }

// isBoom reports whether err is boom's panic, with its stack.
func isBoom(err error) bool {
	var p *Panic
	return errors.As(err, &p) && p.Value == any("boom") && strings.Contains(string(p.Stack), "spawn.boom") && err.Error() == "panic: boom"
}

func TestCatch(t *testing.T) {
	t.Parallel()
	if err := Catch(boom); !isBoom(err) {
		t.Errorf("Catch of a panic = %v, want the panic", err)
	}
	if err := Catch(func() error { return errOwn }); !errors.Is(err, errOwn) {
		t.Errorf("Catch of an error = %v, want %v", err, errOwn)
	}
	if err := Catch(func() error { return nil }); err != nil {
		t.Errorf("Catch of no error = %v, want nil", err)
	}
}

func TestGo(t *testing.T) {
	t.Parallel()
	if err := <-Go(boom); !isBoom(err) {
		t.Errorf("Go of a panic gives %v, want the panic", err)
	}
	done := Go(func() error { return errOwn })
	if err := <-done; !errors.Is(err, errOwn) {
		t.Errorf("Go of an error gives %v, want %v", err, errOwn)
	}
	if _, open := <-done; open {
		t.Error("the channel is open after the error, want it closed")
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	var g Group
	g.SetLimit(2)
	var running, most, ran atomic.Int32
	for range 20 {
		g.Start(func() error {
			most.Store(max(most.Load(), running.Add(1)))
			running.Add(-1)
			if ran.Add(1) == 7 {
				return boom()
			}
			return nil
		})
	}
	if err := g.Wait(); !isBoom(err) || ran.Load() != 20 || most.Load() > 2 {
		t.Errorf("%v, %d of 20 ran, %d at a time, want the panic, all, at most 2", err, ran.Load(), most.Load())
	}
}

// TestGroupContext checks that the context ends with the first function that fails, by a
// panic too.
func TestGroupContext(t *testing.T) {
	t.Parallel()
	g, ctx := WithContext(t.Context())
	g.Start(func() error {
		<-ctx.Done()
		return ctx.Err()
	})
	g.Start(boom)
	if err := g.Wait(); !isBoom(err) {
		t.Errorf("got %v, want the panic", err)
	}
}

func TestFlight(t *testing.T) {
	t.Parallel()
	var flight Flight[int]
	if _, err := flight.Do(t.Context(), "k", func() (int, error) { return 0, boom() }); !isBoom(err) {
		t.Errorf("Do of a panic = %v, want the panic", err)
	}
	if v, err := flight.Do(t.Context(), "k", func() (int, error) { return 7, errOwn }); v != 7 || !errors.Is(err, errOwn) {
		t.Errorf("Do = %d, %v; want 7, %v", v, err, errOwn)
	}
	// A caller that gives up does not end the call for another one that waits.
	begun, finish := make(chan struct{}), make(chan struct{})
	second := make(chan int)
	go func() {
		v, _ := flight.Do(context.Background(), "k", func() (int, error) {
			close(begun)
			<-finish
			return 9, nil
		})
		second <- v
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := flight.Do(ctx, "k", func() (int, error) { return 1, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that gave up got %v, want %v", err, context.Canceled)
	}
	close(finish)
	if v := <-second; v != 9 {
		t.Errorf("the caller that waited got %d, want 9", v)
	}
}
