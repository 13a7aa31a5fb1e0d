package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Mappings says by which mapping events are read.
type Mappings interface {
	// Mapping returns the mapping and its name. If there is none at the moment,
	// the error wraps [fleet.ErrUnavailable]: events are spilled until there is.
	Mapping(ctx context.Context, log *slog.Logger) (*mapping.Mapping, string, error)
}

// Fixed is a mapping that does not change.
type Fixed struct{ Is *mapping.Mapping }

// Mapping implements [Mappings].
func (f Fixed) Mapping(context.Context, *slog.Logger) (*mapping.Mapping, string, error) {
	return f.Is, f.Is.Name(), nil
}

const (
	// maxProgram bounds a program in a blob.
	maxProgram = 1 << 20
	// programEvery is how often a blob is asked whether it has changed.
	programEvery = 10 * time.Second
)

// Program is a mapping in a blob, which is read again when it has changed. It is
// safe for concurrent use.
type Program struct {
	Files blob.Store
	Name  string // in the container config
	Now   func() time.Time

	mu      sync.Mutex
	asked   time.Time
	etag    string
	current *mapping.Mapping
}

// Mapping implements [Mappings]. A program that cannot be had any more, or that
// was replaced by one that is wrong, serves on; its log says so.
func (p *Program) Mapping(ctx context.Context, log *slog.Logger) (*mapping.Mapping, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := blob.Config + "/" + p.Name
	now := p.Now()
	if p.current != nil && now.Sub(p.asked) < programEvery {
		return p.current, name, nil
	}
	m, err := p.read(ctx)
	switch {
	case err == nil:
		p.current, p.asked = m, now
	case p.current != nil:
		p.asked = now
		log.Error("mapping not renewed: events are read by the one before", "mapping", name, "error", err.Error())
	default:
		p.etag = ""
		return nil, name, fmt.Errorf("%w: mapping %s: %w", fleet.ErrUnavailable, name, err)
	}
	return p.current, name, nil
}

// read returns the current mapping, or the blob's if it has changed. A wrong one
// is not read again until it changes.
func (p *Program) read(ctx context.Context) (*mapping.Mapping, error) {
	info, err := p.Files.Stat(ctx, blob.Config, p.Name)
	if err != nil {
		return nil, err
	}
	if info.ETag == p.etag && p.current != nil {
		return p.current, nil
	}
	content, info, err := p.Files.Read(ctx, blob.Config, p.Name, "", maxProgram)
	if err != nil {
		return nil, err
	}
	p.etag = info.ETag
	return mapping.Parse(string(content))
}
