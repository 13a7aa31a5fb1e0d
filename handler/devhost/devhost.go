package devhost

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options are the options of a [Host].
type Options struct {
	Root     string            // the staged application: host.json, the handler, <function>/function.json
	Settings map[string]string // application settings; they replace those of the environment

	HTTPPort  int // the port of the HTTP functions on 127.0.0.1; 0 is any free port
	EventPort int // the port of the event hubs' REST API; 0 is any free port

	// EventDir is the folder of the event hubs. It is required if a function has an
	// eventHubTrigger.
	EventDir string
	// Partitions is the number of partitions of every hub; 0 is 4.
	Partitions int

	// EnableAuth asks HTTP callers for keys, as Azure does.
	EnableAuth bool
	// MessageLease is the time for which a queue message is invisible while it is
	// processed. It is renewed after half of it. 0 is the host's ten minutes. Tests that
	// kill the host set it to four seconds or more, in whole seconds, because storage
	// rounds the end of a lease down to a second.
	MessageLease time.Duration

	Log *slog.Logger // nil discards
}

// stopPatience is the time for which the host waits for running functions when it stops.
const stopPatience = 10 * time.Second

// Host is a running host. Its methods may be called concurrently.
type Host struct {
	id        string
	log       *logger
	functions []*function // in the order of their names
	timers    map[string]*timer
	queues    []*queueListener
	events    []*eventListener
	hubs      map[string]*eventHub
	worker    *worker
	invoker   *invoker
	keys      *keys
	http      *server
	eventHTTP *server // nil without an event hub

	listening context.Context // ends when the triggers stop
	stopping  context.CancelFunc
	working   context.Context // ends when the handler is killed
	killing   context.CancelFunc
	running   sync.WaitGroup // triggers and what they run
	workers   sync.WaitGroup
	stop      sync.Once
	cause     error
	stopped   chan struct{}
}

// Start reads the application and the settings, and starts the handler and the triggers.
// When it returns, the handler may still be starting. ctx limits the start only. Errors in
// the application's files name the file.
func Start(ctx context.Context, opt Options) (*Host, error) {
	root, err := filepath.Abs(opt.Root)
	if err != nil {
		return nil, err
	}
	s := newSettings(opt.Settings)
	cfg, err := readHostJSON(root, s)
	if err != nil {
		return nil, err
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	h := &Host{
		id: hostID(s), log: newLogger(opt.Log, cfg.LogLevels),
		timers: make(map[string]*timer), hubs: make(map[string]*eventHub), stopped: make(chan struct{}),
	}
	if h.functions, err = readFunctions(root, s); err != nil {
		return nil, err
	}
	h.listening, h.stopping = context.WithCancel(context.Background())
	h.working, h.killing = context.WithCancel(context.Background())
	if h.worker, err = newWorker(root, cfg.Handler, s, h.log, h.stopFor); err != nil {
		return nil, err
	}
	h.invoker = &invoker{ctx: h.working, worker: h.worker, log: h.log, timeout: cfg.FunctionTimeout}
	if opt.EnableAuth {
		h.keys = &keys{master: newKey(), function: newKey()}
	}
	if err := h.build(ctx, opt, cfg, s); err != nil {
		h.release()
		return nil, err
	}
	if err := h.worker.start(); err != nil {
		h.release()
		return nil, err
	}
	h.run()
	return h, nil
}

// hostID returns the id of the host, which is part of the names of its blobs.
func hostID(s settings) string {
	if id := s.get("AzureFunctionsWebHost__hostid"); id != "" {
		return id
	}
	return "devhost"
}

func newKey() string {
	b := make([]byte, 40)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// run starts everything that Start has built.
func (h *Host) run() {
	h.workers.Go(func() { h.worker.run(h.working) })
	for _, t := range h.timers {
		h.running.Go(func() { t.run(h.listening) })
	}
	for _, q := range h.queues {
		h.running.Go(func() { q.run(h.listening) })
	}
	for _, e := range h.events {
		h.running.Go(func() { e.run(h.listening) })
	}
	for _, srv := range h.servers() {
		go srv.serve()
	}
	h.log.log(slog.LevelInfo, "Host.Startup", fmt.Sprintf("Job host started: %d functions", len(h.functions)), "url", h.URL())
}

// notify makes the listeners of a queue poll it soon.
func (h *Host) notify(connection, queue string) {
	for _, q := range h.queues {
		if q.conn == connection && q.queue.Name() == queue {
			q.poke()
		}
	}
}

// URL returns the address of the HTTP functions, such as http://127.0.0.1:7071.
func (h *Host) URL() string { return h.http.url() }

// EventsURL returns the address of the REST API for events, such as http://127.0.0.1:7072. It is
// empty if no function has an eventHubTrigger.
func (h *Host) EventsURL() string {
	if h.eventHTTP == nil {
		return ""
	}
	return h.eventHTTP.url()
}

// servers returns the HTTP servers that Start has made so far.
func (h *Host) servers() []*server {
	return slices.DeleteFunc([]*server{h.http, h.eventHTTP}, func(s *server) bool { return s == nil })
}

// Keys returns the master key and the function key. Both are empty without
// [Options.EnableAuth].
func (h *Host) Keys() (master, function string) {
	if h.keys == nil {
		return "", ""
	}
	return h.keys.master, h.keys.function
}

// HandlerPID returns the process id of the present handler.
func (h *Host) HandlerPID() int {
	p, _ := h.worker.get()
	return p.cmd.Process.Pid
}

// CaughtUp reports whether the checkpoints of all event hub functions are at the end of
// every partition.
func (h *Host) CaughtUp() bool {
	for _, e := range h.events {
		if !e.caughtUp() {
			return false
		}
	}
	return true
}

// InFlight returns the number of invocations that the handler has not answered yet.
func (h *Host) InFlight() int { return int(h.invoker.inFlight.Load()) }

// Wait waits until the host has stopped. It returns nil after Close. Otherwise it returns why the
// host stopped by itself, as the real host does when the handler fails three times.
func (h *Host) Wait() error {
	<-h.stopped
	return h.cause
}

// Close stops the triggers, waits up to ten seconds for running functions and kills the handler.
// (The real host does not kill a handler that is still working.)
func (h *Host) Close() error {
	h.shutdown(nil)
	<-h.stopped
	return nil
}

// stopFor stops the host in the background. Cause is the result of [Host.Wait].
func (h *Host) stopFor(cause error) { go h.shutdown(cause) }

func (h *Host) shutdown(cause error) {
	h.stop.Do(func() {
		h.cause = cause
		if cause != nil {
			h.log.mistake("Host.Startup", "the host stops: "+cause.Error(), "mend the cause and start it again")
			h.worker.giveUp()
		}
		h.stopping()
		patience, cancel := context.WithTimeout(h.working, stopPatience)
		defer cancel()
		for _, srv := range h.servers() {
			_ = srv.Shutdown(patience)
		}
		idle := make(chan struct{})
		go func() { h.running.Wait(); close(idle) }()
		select {
		case <-idle:
		case <-patience.Done():
		}
		h.killing()
		h.workers.Wait()
		<-idle
		h.release()
		close(h.stopped)
	})
}

// release closes everything that is open. It is called after a stop or a failed start.
func (h *Host) release() {
	h.stopping()
	h.killing()
	for _, srv := range h.servers() {
		srv.close()
	}
	for _, hub := range h.hubs {
		hub.close()
	}
}
