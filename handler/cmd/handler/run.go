package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/app"
	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// errStopped is the error of a process that was told to end, or whose host is gone.
var errStopped = errors.New("stopped")

// run serves the functions until ctx ends or the parent process is gone. Its error, which is never
// nil, says why it ended. It listens before it does anything else, because the host waits for that.
func run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	port := getenv("FUNCTIONS_CUSTOMHANDLER_PORT")
	if port == "" {
		return errors.New("FUNCTIONS_CUSTOMHANDLER_PORT is not set: the Functions host starts this program; on your machine, fleetscore serve or func start does")
	}
	parent := os.Getppid() // before the first answer, after which the host may end at any time
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return fmt.Errorf("listen for the host: %w", err)
	}
	defer listener.Close()
	cfg, err := config.FromEnv(getenv)
	if err != nil {
		return fmt.Errorf("settings:\n%w", err)
	}
	limitMemory(getenv)
	a, err := app.New(cfg, stdout)
	if err != nil {
		return err
	}
	defer a.Close()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	spawn.Go(func() error {
		watchParent(ctx, parent, os.Getppid, time.Second, cancel)
		return nil
	})
	first := &firstRequest{next: a, came: make(chan struct{})}
	spawn.Go(func() error {
		first.await(ctx, patience, cancel)
		return nil
	})
	return serve(ctx, listener, first, slog.NewLogLogger(slog.NewJSONHandler(stdout, nil), slog.LevelWarn))
}

// serve answers requests on listener until ctx ends. It then cuts off the requests that are being
// answered. That is safe: the host repeats them, and all functions may be killed at any time.
func serve(ctx context.Context, listener net.Listener, h http.Handler, warnings *log.Logger) error {
	server := &http.Server{Handler: h, ErrorLog: warnings, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(listener)
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errStopped, context.Cause(ctx))
	}
	return fmt.Errorf("serve: %w", err)
}

// patience is how long the process waits for its first request. The host sends one every
// 25 ms until it is answered. If none comes for so long, the host was killed before the
// process could note it as its parent, and the process has to end by itself.
const patience = time.Minute

// firstRequest passes requests to next, and closes came at the first one.
type firstRequest struct {
	next http.Handler
	once sync.Once
	came chan struct{} // closed by the first
}

func (f *firstRequest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.once.Do(func() { close(f.came) })
	f.next.ServeHTTP(w, r)
}

// await cancels with a cause if no request comes within the given time.
func (f *firstRequest) await(ctx context.Context, within time.Duration, cancel context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-f.came:
	case <-time.After(within):
		cancel(fmt.Errorf("no host has sent a request within %v: it is gone, or uses another port", within))
	}
}

// watchParent cancels with a cause when the parent of this process is no longer parent. This
// happens when the host has ended without killing its handler.
func watchParent(ctx context.Context, parent int, getppid func() int, every time.Duration, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if getppid() != parent {
				cancel(errors.New("the host that started this process is gone"))
				return
			}
		}
	}
}
