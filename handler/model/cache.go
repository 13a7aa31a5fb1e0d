package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Loaded is the model in a file.
type Loaded interface {
	predict.Model
	// Spec returns the model's features file, or nil.
	Spec() *features.Spec
	// Detects returns nil if the model can detect anomalies, else an error that says why
	// not.
	Detects() error
}

// Model is a loaded model. It is safe for concurrent use, and stays valid after the cache
// has dropped it.
type Model struct {
	Loaded
	name, sha256 string
}

// Name returns the name of the blob that the model was read from.
func (m *Model) Name() string { return m.name }

// SHA256 returns the SHA-256 of the blob's content, in lower-case hexadecimal.
func (m *Model) SHA256() string { return m.sha256 }

// Cache reads models and keeps them in memory. Its methods may be called concurrently.
type Cache struct {
	blobs   blob.Store
	load    func(data []byte) (Loaded, error)
	maxFile int64

	kept    kept
	loads   spawn.Flight[*Model]
	loading *semaphore.Weighted // bytes of the files that are being loaded

	attributes attributes
}

// loadTimeout is the longest time to read one file. Several invocations may wait for the
// same file, so it does not depend on the deadline of the first.
const loadTimeout = 2 * time.Minute

// NewCache returns a cache of the models in blobs. Load gets the content of a file, which
// has at most maxFile bytes. Its errors mean that the file is no valid model.
//
// When the loaded models take more than maxBytes of memory, the least recently used are
// dropped. Files that are loaded at the same time have together at most maxBytes, or are a
// single file.
func NewCache(blobs blob.Store, load func(data []byte) (Loaded, error), maxFile, maxBytes int64) *Cache {
	return &Cache{blobs: blobs, load: load, maxFile: maxFile, kept: kept{max: maxBytes}, loading: semaphore.NewWeighted(max(maxBytes, maxFile))}
}

// Model returns a registered version of a model, from memory or from its blob. Concurrent
// calls share one read. An error wraps blob.ErrChanged or blob.ErrNotFound if the blob no
// longer has this version, fleet.ErrBadModel if the version cannot be used, and otherwise
// fleet.ErrUnavailable or the context's error.
func (c *Cache) Model(ctx context.Context, version fleet.Model) (*Model, error) {
	info := blob.Info{Name: version.Name, ETag: version.ETag, Size: version.Size}
	if m, err, ok := c.kept.get(info); ok {
		return m, err
	}
	return c.loads.Do(ctx, info.Name+"\n"+info.ETag, func() (*Model, error) {
		if m, err, ok := c.kept.get(info); ok { // loaded since the check above
			return m, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return c.read(ctx, info)
	})
}

// read reads a model from its blob, and keeps it or the error that it is bad.
func (c *Cache) read(ctx context.Context, info blob.Info) (*Model, error) {
	if info.Size > c.maxFile {
		return nil, fmt.Errorf("%w: %s: the file has %d bytes, more than %d", fleet.ErrBadModel, info.Name, info.Size, c.maxFile)
	}
	if err := c.loading.Acquire(ctx, info.Size); err != nil {
		return nil, fmt.Errorf("%w: wait to load %s: %w", fleet.ErrUnavailable, info.Name, err)
	}
	defer c.loading.Release(info.Size)
	content, _, err := c.blobs.Read(ctx, blob.Models, info.Name, info.ETag, info.Size)
	switch {
	case err == nil:
	case ctx.Err() != nil: // loadTimeout has passed
		return nil, fmt.Errorf("%w: read %s: not done in %v", fleet.ErrUnavailable, info.Name, loadTimeout)
	default:
		return nil, err
	}
	sum := sha256.Sum256(content)
	m := &Model{name: info.Name, sha256: hex.EncodeToString(sum[:])}
	if m.Loaded, err = c.load(content); err != nil {
		err = fmt.Errorf("%w: %s: %w", fleet.ErrBadModel, info.Name, err)
		c.kept.put(info, nil, err)
		return nil, err
	}
	c.kept.put(info, m, nil)
	return m, nil
}
