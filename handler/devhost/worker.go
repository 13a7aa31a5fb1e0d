package devhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/loopback"
)

const (
	probeInterval  = 25 * time.Millisecond
	maxFailures    = 3                      // the third stops the host
	failureMemory  = 30 * time.Minute       // a failure that comes so long after the last one counts as the first
	exitRestart    = 200                    // the exit code that asks for a restart
	timeoutGrace   = 2 * time.Second        // from an invocation's timeout to the kill
	timeoutsAtOnce = 300 * time.Millisecond // two timeouts within this time stop the host
)

// worker keeps one handler process running, always on the same port, and reports when it is
// ready.
type worker struct {
	root     string
	cfg      handlerConfig
	settings settings
	log      *logger
	port     int
	wire     *wire
	stopHost func(error) // ends the host; called at most once per cause

	mu       sync.Mutex
	current  *process
	failures []time.Time
	replaced chan struct{} // closed when current changes
	killed   string        // the id of the process that was last killed for a timeout
	killedAt time.Time

	down     chan struct{} // closed when no further process will be started
	downOnce sync.Once

	restart chan string // gets the id of a process to replace, which is not counted as a failure
}

func newWorker(root string, cfg handlerConfig, s settings, log *logger, stopHost func(error)) (*worker, error) {
	port, err := loopback.FreePort()
	if err != nil {
		return nil, err
	}
	return &worker{
		root: root, cfg: cfg, settings: s, log: log, port: port,
		wire:     &wire{addr: fmt.Sprintf("127.0.0.1:%d", port)},
		stopHost: stopHost, replaced: make(chan struct{}), restart: make(chan string), down: make(chan struct{}),
	}, nil
}

// giveUp ends all waits for the handler. No further process will be started.
func (w *worker) giveUp() { w.downOnce.Do(func() { close(w.down) }) }

// start starts the first process. If that fails, start returns an error at once;
// the real host would wait for two minutes.
func (w *worker) start() error {
	p, err := startProcess(w.root, w.cfg, w.settings, w.port, w.log)
	if err != nil {
		return fmt.Errorf("start the handler %q: %w; build it for this machine, executable, at customHandler.description.defaultExecutablePath of host.json", w.cfg.Executable, err)
	}
	w.set(p)
	return nil
}

func (w *worker) set(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = p
	close(w.replaced)
	w.replaced = make(chan struct{})
}

func (w *worker) get() (*process, chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current, w.replaced
}

// run watches the process and replaces it when it ends. When ctx ends, run kills it.
func (w *worker) run(ctx context.Context) {
	for {
		p, _ := w.get()
		again := w.watch(ctx, p)
		w.wire.closeIdle()
		if !again {
			return
		}
		next, err := startProcess(w.root, w.cfg, w.settings, w.port, w.log)
		if err != nil {
			w.stopHost(fmt.Errorf("start the handler again: %w", err))
			return
		}
		w.set(next)
	}
}

// watch waits until p ends. It kills p when ctx ends, when p is not ready in time, or when a
// restart is asked for. It reports whether another process is to be started.
func (w *worker) watch(ctx context.Context, p *process) (again bool) {
	probing, cancel := context.WithCancel(ctx)
	defer cancel()
	go w.probe(probing, p)
	limit := time.NewTimer(w.cfg.InitTimeout)
	defer limit.Stop()
	ready, late := p.ready, limit.C
	for {
		select {
		case <-ctx.Done():
			p.kill()
			return false
		case <-ready:
			w.log.log(slog.LevelInfo, "Microsoft.Azure.WebJobs.Script.Workers.HttpFunctionInvocationDispatcher", "Worker process started and initialized.", "pid", p.cmd.Process.Pid)
			ready, late = nil, nil
		case <-late:
			p.kill()
			w.log.mistake("Worker.HttpWorkerChannel."+p.id,
				fmt.Sprintf("Failed to start http worker process: Initializing HttpWorker timed out after %v", w.cfg.InitTimeout),
				fmt.Sprintf("listen on 127.0.0.1, at the port of FUNCTIONS_CUSTOMHANDLER_PORT (%d), and answer GET / at once with any status", w.port))
			return w.failed("it never answered GET / within " + w.cfg.InitTimeout.String())
		case id := <-w.restart:
			if id == p.id {
				p.kill()
				return true
			}
		case <-p.ended:
			return w.ended(ctx, p)
		}
	}
}

// ended reports, by the exit code of p, whether another process is to be started.
func (w *worker) ended(ctx context.Context, p *process) (again bool) {
	category := "Worker.HttpWorkerProcess." + p.id
	switch p.code {
	case exitRestart:
		w.log.log(slog.LevelInfo, category, "Language Worker Process exited and needs to be restarted.")
		return true
	case 0:
		w.log.mistake(category, "the handler exited with code 0: the host never restarts it, and every invocation from now on fails",
			"exit with another code when serving ends unasked; 200 asks for a restart")
		if !closed(p.ready) {
			w.stopHost(errors.New("the handler exited with code 0 before it served: the host would never restart it; it must serve until it is killed"))
		}
		<-ctx.Done()
		return false
	}
	p.logExit(w.log, w.cfg.Executable)
	return w.failed(fmt.Sprintf("it exited with code %d: %s", p.code, p.console.lastErrors()))
}

// failed counts a failure, and reports whether another process is to be started. The third
// failure stops the host. After half an hour without one, the count starts again.
func (w *worker) failed(why string) (again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if n := len(w.failures); n > 0 && now.Sub(w.failures[n-1]) > failureMemory {
		w.failures = nil
	}
	if w.failures = append(w.failures, now); len(w.failures) < maxFailures {
		return true
	}
	const msg = "Exceeded http worker restart retry count. Shutting down Functions Host"
	w.log.log(slog.LevelError, "Microsoft.Azure.WebJobs.Script.Workers.HttpFunctionInvocationDispatcher", msg)
	w.stopHost(fmt.Errorf("%s: the handler failed %d times; the last time %s; mend the handler, its log says more", msg, maxFailures, why))
	return false
}

// probe sends GET / every 25 ms until the first HTTP answer, of any status.
func (w *worker) probe(ctx context.Context, p *process) {
	req := &request{method: "GET", target: "/", header: []field{{"Host", w.wire.addr}}}
	for ctx.Err() == nil {
		if _, err := w.wire.do(ctx, req); err == nil {
			close(p.ready)
			return
		} else if !isDialError(err) {
			w.log.log(slog.LevelDebug, "Worker.HttpWorkerChannel."+p.id, "GET / was cut off: "+err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeInterval):
		}
	}
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// await waits until the handler can receive an invocation. After four times the initialization
// limit the host stops.
func (w *worker) await(ctx context.Context) (*process, error) {
	limit := time.NewTimer((maxFailures + 1) * w.cfg.InitTimeout)
	defer limit.Stop()
	for {
		p, replaced := w.get()
		ready := p.ready
		if closed(p.ended) {
			if p.code == 0 && closed(p.ready) {
				return p, nil // no other process follows, and the connection will be refused
			}
			ready = nil // wait for the next one
		}
		select {
		case <-ready:
			return p, nil
		case <-replaced:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.down:
			return nil, errors.New("the handler is gone, and the host stops")
		case <-limit.C:
			err := errors.New("the handler did not become ready: Initialization timed out and host is shutting down")
			w.stopHost(err)
			return nil, err
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// timedOut is called when an invocation in the process id has taken longer than functionTimeout.
// Two seconds later it replaces the process, unless the request has ended meanwhile, which
// closes done. If a second invocation reaches the limit at the same time, the host stops, as
// the real one does.
func (w *worker) timedOut(ctx context.Context, id, invocation string, done <-chan struct{}) {
	start := time.Now()
	select {
	case <-ctx.Done():
		return
	case <-done:
		if time.Since(start) < timeoutGrace-timeoutsAtOnce {
			return
		}
	case <-time.After(timeoutGrace):
	}
	const category = "Microsoft.Azure.WebJobs.Script.WebHost.WebScriptHostExceptionHandler"
	w.log.log(slog.LevelWarn, category, fmt.Sprintf("A function timeout has occurred. Restarting worker process executing invocationId '%s'.", invocation))
	w.mu.Lock()
	first := w.killed != id
	together := !first && time.Since(w.killedAt) < timeoutsAtOnce
	if first {
		w.killed, w.killedAt = id, time.Now()
	}
	p, replaced := w.current, w.replaced
	w.mu.Unlock()
	if together {
		w.stopHost(errors.New("two invocations ran into functionTimeout together: the host shuts down; give every invocation its own, shorter deadline"))
		return
	}
	if !first || p.id != id {
		return // the timeout of another invocation has killed it
	}
	select {
	case w.restart <- id:
	case <-replaced:
		return // it has ended by itself
	case <-ctx.Done():
		return
	}
	select {
	case <-replaced:
		w.log.log(slog.LevelWarn, category, "Restart of language worker process(es) completed.")
	case <-ctx.Done():
	}
}
