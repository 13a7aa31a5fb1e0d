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
	"github.com/fleetscore/fleetscore/handler/ingest/rules"
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

// Rulings says by which rules readings are judged.
type Rulings interface {
	// Rules returns the rules. If there are none at the moment, the error wraps
	// [fleet.ErrUnavailable]: events are spilled until there are.
	Rules(ctx context.Context, log *slog.Logger) (*rules.Rules, error)
}

const (
	// maxProgram bounds a program, or rules, in a blob.
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

	current renewed[*mapping.Mapping]
}

// Mapping implements [Mappings]. If the program cannot be read any more, or was
// replaced by a wrong one, it returns the last good one and logs why.
func (p *Program) Mapping(ctx context.Context, log *slog.Logger) (*mapping.Mapping, string, error) {
	name := blob.Config + "/" + p.Name
	m, err := p.current.get(ctx, log, p.Files, p.Name, "mapping", p.Now(), func(content []byte) (*mapping.Mapping, error) {
		return mapping.Parse(string(content))
	})
	return m, name, err
}

// RuleFile is rules in a blob, which are read again when they have changed. It is
// safe for concurrent use.
type RuleFile struct {
	Files blob.Store
	Name  string // in the container config
	Now   func() time.Time

	current renewed[*rules.Rules]
}

// Rules implements [Rulings], as [Program] does [Mappings].
func (f *RuleFile) Rules(ctx context.Context, log *slog.Logger) (*rules.Rules, error) {
	return f.current.get(ctx, log, f.Files, f.Name, "rules", f.Now(), rules.Parse)
}

// renewed is what a blob holds.
type renewed[T any] struct {
	mu      sync.Mutex
	asked   time.Time
	etag    string
	known   bool
	current T
}

func (r *renewed[T]) get(ctx context.Context, log *slog.Logger, files blob.Store, name, what string, now time.Time, parse func([]byte) (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known && now.Sub(r.asked) < programEvery {
		return r.current, nil
	}
	v, err := r.read(ctx, files, name, parse)
	full := blob.Config + "/" + name
	switch {
	case err == nil:
		r.current, r.known, r.asked = v, true, now
	case r.known:
		r.asked = now
		log.Error(what+" not renewed: events are read by the one before", what, full, "error", err.Error())
	default:
		r.etag = ""
		var none T
		return none, fmt.Errorf("%w: %s %s: %w", fleet.ErrUnavailable, what, full, err)
	}
	return r.current, nil
}

// read returns what is current, or what the blob holds if it has changed. A wrong one
// is not read again until it changes.
func (r *renewed[T]) read(ctx context.Context, files blob.Store, name string, parse func([]byte) (T, error)) (v T, err error) {
	info, err := files.Stat(ctx, blob.Config, name)
	if err != nil {
		return v, err
	}
	if info.ETag == r.etag && r.known {
		return r.current, nil
	}
	content, info, err := files.Read(ctx, blob.Config, name, "", maxProgram)
	if err != nil {
		return v, err
	}
	r.etag = info.ETag
	return parse(content)
}
