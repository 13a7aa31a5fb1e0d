package devhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// build makes the triggers of the functions that are not disabled.
func (h *Host) build(ctx context.Context, opt Options, cfg hostConfig, s settings) error {
	var routes []*route
	for _, fn := range h.functions {
		if fn.disabled {
			h.log.log(slog.LevelInfo, "Host.Startup", fmt.Sprintf("Function %s is disabled", fn.name))
			continue
		}
		var err error
		switch fn.trigger.Type {
		case "timerTrigger":
			err = h.addTimer(fn, s)
		case "queueTrigger":
			err = h.addQueue(fn, opt, cfg, s)
		case "eventHubTrigger":
			err = h.addEventHub(ctx, fn, opt, cfg, s)
		case "httpTrigger":
			var r *route
			if r, err = newRoute(fn, cfg.RoutePrefix); err == nil && !cfg.Handler.Forward {
				err = errors.New("devhost supports an httpTrigger only with customHandler.enableForwardingHttpRequest of host.json")
			}
			routes = append(routes, r)
		}
		if err != nil {
			return fmt.Errorf("function %s: %w", fn.name, err)
		}
	}
	var err error
	h.http, err = listen(opt.HTTPPort, &front{host: h, routes: routes, keys: h.keys})
	if err == nil && len(h.hubs) > 0 {
		h.eventHTTP, err = listen(opt.EventPort, &eventFront{hubs: h.hubs, now: time.Now})
	}
	return err
}

// server is an HTTP server and the port that it listens on. A request that comes before serve is
// called waits.
type server struct {
	http.Server
	listener net.Listener
}

// listen makes a server that listens on a port of 127.0.0.1. Port 0 is any free port.
func listen(port int, handler http.Handler) (*server, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return nil, fmt.Errorf("listen on port %d: %w; is another host running? choose another port", port, err)
	}
	return &server{http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}, l}, nil
}

func (s *server) url() string { return "http://" + s.listener.Addr().String() }

// serve answers requests until the server is closed.
func (s *server) serve() { _ = s.Serve(s.listener) }

// close closes the server and its port, even if serve was not called.
func (s *server) close() {
	s.Close()
	s.listener.Close()
}

func (h *Host) addTimer(fn *function, s settings) error {
	conn, err := s.connection("AzureWebJobsStorage")
	if err != nil {
		return err
	}
	blobs, err := azure.OpenHostBlobs(conn)
	if err != nil {
		return err
	}
	h.timers[fn.name], err = newTimer(fn, h.id, blobs, h.invoker.execute, h.log)
	return err
}

func (h *Host) addQueue(fn *function, opt Options, cfg hostConfig, s settings) error {
	conn, err := s.connection(fn.trigger.Connection)
	if err != nil {
		return err
	}
	l, err := newQueueListener(fn, cfg.Queues, opt.MessageLease, conn, h.log)
	if err != nil {
		return err
	}
	l.notify, l.execute, l.work = h.notify, h.invoker.execute, h.working
	h.queues = append(h.queues, l)
	return nil
}

func (h *Host) addEventHub(ctx context.Context, fn *function, opt Options, cfg hostConfig, s settings) error {
	switch {
	case opt.EventDir == "":
		return errors.New("an eventHubTrigger needs a directory for the event hubs: set Options.EventDir")
	case !fn.trigger.Many || fn.trigger.DataType != "binary" && fn.trigger.DataType != "string":
		return errors.New("devhost supports an eventHubTrigger with cardinality many and dataType binary or string")
	}
	conn, err := s.connection(fn.trigger.Connection)
	if err != nil {
		return err
	}
	namespace, err := namespaceOf(conn)
	if err != nil {
		return err
	}
	storage, err := s.connection("AzureWebJobsStorage")
	if err != nil {
		return err
	}
	blobs, err := azure.OpenHostBlobs(storage)
	if err != nil {
		return err
	}
	hub, err := h.openHub(fn.trigger.EventHubName, opt)
	if err != nil {
		return err
	}
	identifier := uuid.NewString()
	for i := range hub.partitions {
		l := &eventListener{
			fn: fn, hub: hub, partition: i, namespace: namespace, maxBatch: cfg.MaxEventBatch,
			blobs: blobs, identifier: identifier, execute: h.invoker.execute, log: h.log,
		}
		if err := l.resume(ctx); err != nil {
			return err
		}
		h.events = append(h.events, l)
	}
	return nil
}

// openHub returns the hub with the name, whatever its case. It opens the hub's files once.
func (h *Host) openHub(name string, opt Options) (*eventHub, error) {
	key := strings.ToLower(name)
	if hub := h.hubs[key]; hub != nil {
		return hub, nil
	}
	if opt.Partitions == 0 {
		opt.Partitions = 4
	}
	hub, err := openEventHub(opt.EventDir, key, opt.Partitions)
	if err != nil {
		return nil, err
	}
	hub.name = name
	h.hubs[key] = hub
	return hub, nil
}
