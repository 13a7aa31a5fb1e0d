package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
	"github.com/fleetscore/fleetscore/handler/store"
)

// schema makes the tables of a SQLite database. On a server, fleetscore migrate makes them,
// because the application has no right to do so.
type schema struct {
	migrate func(context.Context) error
	turn    chan struct{} // full while a goroutine migrates
	done    atomic.Bool
	cancel  context.CancelFunc
	ended   <-chan error
}

func newSchema(cfg config.Config, db *store.DB) *schema {
	s := &schema{turn: make(chan struct{}, 1)}
	s.done.Store(!cfg.SQLite())
	s.migrate = func(ctx context.Context) error {
		if err := os.MkdirAll(filepath.Dir(cfg.SQLiteFile()), 0o755); err != nil {
			return fmt.Errorf("%w: make the folder of SQL_DSN: %w", fleet.ErrUnavailable, err)
		}
		return db.Migrate(ctx)
	}
	return s
}

// begin makes the tables in the background, so that the first invocation need not wait for them.
func (s *schema) begin(log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.ended = spawn.Go(func() error {
		if err := spawn.Catch(func() error { return s.ready(ctx) }); err != nil && ctx.Err() == nil {
			log.Error("the database has no tables yet; the next invocation tries again", "err", err)
		}
		return nil
	})
}

// end stops what begin started, and waits for its end.
func (s *schema) end() {
	s.cancel()
	for range s.ended { // until it has ended
	}
}

// ready returns when the database has its tables. One caller makes them, and the others wait. If
// it fails, the next caller tries.
func (s *schema) ready(ctx context.Context) error {
	if s.done.Load() {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait for the database's tables: %w: %w", fleet.ErrUnavailable, ctx.Err())
	}
	if s.done.Load() {
		return nil
	}
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("make the database's tables: %w", err)
	}
	s.done.Store(true)
	return nil
}
