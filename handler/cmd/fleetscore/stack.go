package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/devhost"
	"github.com/fleetscore/fleetscore/handler/loopback"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// stack is the whole application on this machine: storage, the Functions host, the
// handler, an event hub and a database.
type stack struct {
	dir      string // the folder of the database, the event hub, the log and, if it is kept, the storage
	kept     bool   // the folder stays when the stack ends, and so do the blobs and queues
	settings map[string]string
	storage  *azurite.Server
	account  *azure.Storage
	host     *devhost.Host
	hub      *simulate.Hub
	api      *client
	log      io.Closer
}

type stackOptions struct {
	dist      string            // the folder of the built application
	dir       string            // the folder of the data; empty is a temporary folder
	httpPort  int               // 0 is any free port
	eventPort int               // 0 is any free port
	ports     [3]int            // of blobs, queues and tables; 0 is any free port
	settings  map[string]string // settings that replace the defaults
	auth      bool              // HTTP callers must send a function key
	log       slog.Handler      // gets the host's log too, beside the file in dir; may be nil
}

// startStack starts everything. If it returns an error, nothing is left running.
func startStack(ctx context.Context, opt stackOptions) (s *stack, err error) {
	if _, err := os.Stat(filepath.Join(opt.dist, "host.json")); err != nil {
		return nil, fmt.Errorf("%s does not hold the built application: run make build, or name its folder with --dist", opt.dist)
	}
	s = &stack{dir: opt.dir, kept: opt.dir != ""}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.makeDir(); err != nil {
		return s, err
	}
	logFile, err := os.OpenFile(s.logName(), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return s, err
	}
	s.log = logFile
	switch ok, err := lockFile(logFile); {
	case err != nil:
		return s, fmt.Errorf("lock %s: %w", s.logName(), err)
	case !ok:
		return s, fmt.Errorf("another serve uses the folder %s: end it, or name another folder with --dir", s.dir)
	}
	if err := logFile.Truncate(0); err != nil {
		return s, err
	}
	handlers := []slog.Handler{slog.NewJSONHandler(logFile, nil)}
	if opt.log != nil {
		handlers = append(handlers, opt.log)
	}
	emulator := azurite.Options{BlobPort: opt.ports[0], QueuePort: opt.ports[1], TablePort: opt.ports[2]}
	if s.kept {
		emulator.Dir = filepath.Join(s.dir, "storage")
	}
	s.storage, err = azurite.Start(ctx, emulator)
	if err != nil {
		return s, err
	}
	if opt.eventPort == 0 {
		if opt.eventPort, err = loopback.FreePort(); err != nil {
			return s, err
		}
	}
	s.settings = map[string]string{
		"AzureWebJobsStorage":      s.storage.ConnectionString,
		"DataStorage":              s.storage.ConnectionString,
		"SQL_DSN":                  config.FileDSN(filepath.Join(s.dir, "fleetscore.db")),
		"EventHubConnection":       fmt.Sprintf("Endpoint=sb://127.0.0.1:%d;SharedAccessKeyName=local;SharedAccessKey=local;UseDevelopmentEmulator=true;", opt.eventPort),
		"EVENTHUB_NAME":            "readings",
		"EVENTHUB_CONSUMER_GROUP":  "$Default",
		"SCORE_TICK":               "0 * * * * *",
		"FUNCTIONS_WORKER_RUNTIME": "custom",
	}
	maps.Copy(s.settings, opt.settings)
	s.host, err = devhost.Start(ctx, devhost.Options{
		Root: opt.dist, Settings: s.settings, HTTPPort: opt.httpPort, EventPort: opt.eventPort,
		EventDir: filepath.Join(s.dir, "eventhubs"), EnableAuth: opt.auth, Log: slog.New(slog.NewMultiHandler(handlers...)),
	})
	if err != nil {
		return s, err
	}
	return s, s.connect()
}

// connect opens the clients of the event hub, the API and the storage account.
func (s *stack) connect() (err error) {
	if s.hub, err = simulate.ParseHub(s.settings["EventHubConnection"], s.settings["EVENTHUB_NAME"]); err != nil {
		return err
	}
	_, key := s.host.Keys()
	s.api = &client{url: s.host.URL(), key: key}
	s.account, err = azure.OpenConnectionString(s.storage.ConnectionString)
	return err
}

func (s *stack) makeDir() (err error) {
	if s.dir == "" {
		s.dir, err = os.MkdirTemp("", "fleetscore-")
		return err
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	return os.MkdirAll(s.dir, 0o755)
}

func (s *stack) logName() string { return filepath.Join(s.dir, "host.log") }

// close stops everything, in the opposite order. It does not remove the folder.
func (s *stack) close() error {
	var errs []error
	if s.host != nil {
		errs = append(errs, s.host.Close())
	}
	if s.account != nil {
		s.account.Close()
	}
	if s.storage != nil {
		errs = append(errs, s.storage.Close())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(errs...)
}

// watch returns a context that ends with ctx, or when the host or the storage stops by
// itself. In that case the cause of the context says which, and why.
func (s *stack) watch(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	spawn.Go(func() error {
		if err := spawn.Catch(s.host.Wait); err != nil {
			cancel(fmt.Errorf("the Functions host stopped: %w", err))
		}
		return nil
	})
	spawn.Go(func() error {
		select {
		case <-ctx.Done():
		case <-s.storage.Ended():
			text := "the storage (Azurite) stopped by itself: start again"
			if !s.kept {
				text = "the storage (Azurite) stopped by itself, and with it all that it held: start again"
			}
			cancel(errors.New(text))
		}
		return nil
	})
	return ctx, cancel
}

// stored waits until ingest has stored all events of the event hub.
func (s *stack) stored(ctx context.Context) error {
	for !s.host.CaughtUp() {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("wait until all readings are stored: %w", context.Cause(ctx))
		}
	}
	return nil
}
