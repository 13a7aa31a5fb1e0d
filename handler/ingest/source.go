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

// MappingSource returns the mapping that reads events.
type MappingSource interface {
	// Mapping returns the mapping and its name. If there is none at the moment,
	// the error wraps [fleet.ErrUnavailable]: events are spilled until there is.
	Mapping(ctx context.Context, log *slog.Logger) (*mapping.Mapping, string, error)
}

// Fixed is a mapping that does not change.
type Fixed struct{ Is *mapping.Mapping }

// Mapping implements [MappingSource].
func (f Fixed) Mapping(context.Context, *slog.Logger) (*mapping.Mapping, string, error) {
	return f.Is, f.Is.Name(), nil
}

// RuleSource returns the rules that readings must meet.
type RuleSource interface {
	// Rules returns the rules. If there are none at the moment, the error wraps
	// [fleet.ErrUnavailable]: events are spilled until there are.
	Rules(ctx context.Context, log *slog.Logger) (*rules.Rules, error)
}

const (
	// maxProgram is the largest program, or file of rules, in bytes.
	maxProgram = 1 << 20
	// programEvery is the time after which it is checked whether a blob has changed.
	programEvery = 10 * time.Second
)

// Program is a mapping in a blob. It is read again when the blob has changed. It is safe
// for concurrent use.
type Program struct {
	Files blob.Store
	Name  string // in the container config
	Now   func() time.Time

	current renewed[*mapping.Mapping]
}

// Mapping implements [MappingSource]. If the blob cannot be read, or holds a program with an
// error, Mapping returns the last good program and logs why.
func (p *Program) Mapping(ctx context.Context, log *slog.Logger) (*mapping.Mapping, string, error) {
	name := blob.Config + "/" + p.Name
	m, err := p.current.get(ctx, log, p.Files, p.Name, "mapping", p.Now(), func(content []byte) (*mapping.Mapping, error) {
		return mapping.Parse(string(content))
	})
	return m, name, err
}

// RuleFile is rules in a blob. They are read again when the blob has changed. It is safe
// for concurrent use.
type RuleFile struct {
	Files blob.Store
	Name  string // in the container config
	Now   func() time.Time

	current renewed[*rules.Rules]
}

// Rules implements [RuleSource], as [Program] does [MappingSource].
func (f *RuleFile) Rules(ctx context.Context, log *slog.Logger) (*rules.Rules, error) {
	return f.current.get(ctx, log, f.Files, f.Name, "rules", f.Now(), rules.Parse)
}

// renewed is the parsed content of a blob.
type renewed[T any] struct {
	mu      sync.Mutex
	asked   time.Time // when the blob was last checked
	etag    string    // of the content that was last read, whether valid or not
	known   bool      // current is set
	current T         // the last valid content
}

// get returns the content of the blob name in the container config. It checks at most every
// [programEvery] whether the blob has changed. If the new content is not valid or cannot be
// read, get logs why and returns the previous one. What is the kind of content, for the log.

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
		log.Error(what+" not renewed: the previous one stays in use", what, full, "error", err.Error())
	default:
		r.etag = ""
		var none T
		return none, fmt.Errorf("%w: %s %s: %w", fleet.ErrUnavailable, what, full, err)
	}
	return r.current, nil
}

// read returns the current content, or the new one if the blob has changed. Content with
// an error is not read again until it changes.
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
