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

// Loaded is what a file holds.
type Loaded interface {
	predict.Model
	// Spec returns the features file beside the model, nil if there is none.
	Spec() *features.Spec
	// Detects returns nil if the model tells anomalies by itself, else an error that
	// says why not.
	Detects() error
}

// Model is a loaded model. It may be used concurrently, and for as long as one
// likes.
type Model struct {
	Loaded
	name, sha256 string
}

// Name returns the name of the blob that the model was read from.
func (m *Model) Name() string { return m.name }

// SHA256 returns that of the blob's content, in lower-case hex.
func (m *Model) SHA256() string { return m.sha256 }

// Cache reads and keeps models. Its methods may be called concurrently.
type Cache struct {
	blobs   blob.Store
	load    func(data []byte) (Loaded, error)
	maxFile int64

	kept    kept
	loads   spawn.Flight[*Model]
	loading *semaphore.Weighted // in bytes of files

	attributes attributes
}

// loadTimeout bounds the reading of one file, on which several invocations may
// wait, whatever the deadline of the first of them.
const loadTimeout = 2 * time.Minute

// NewCache returns a cache of the models in blobs. A file of at most maxFile
// bytes is given to load, whose errors are the model's fault. Loaded models
// are dropped, the longest unused first, when they hold more than maxBytes; so
// many bytes of files at most, or one file, are being loaded at a time.
func NewCache(blobs blob.Store, load func(data []byte) (Loaded, error), maxFile, maxBytes int64) *Cache {
	return &Cache{blobs: blobs, load: load, maxFile: maxFile, kept: kept{max: maxBytes}, loading: semaphore.NewWeighted(max(maxBytes, maxFile))}
}

// Model returns a registered version of a model, from memory or from its blob.
// Those who ask for it at the same time share one reading. Its errors wrap
// blob.ErrChanged or blob.ErrNotFound if the blob has no such version any more,
// fleet.ErrBadModel if it cannot be used, else fleet.ErrUnavailable or the
// context's error.
func (c *Cache) Model(ctx context.Context, version fleet.Model) (*Model, error) {
	info := blob.Info{Name: version.Name, ETag: version.ETag, Size: version.Size}
	if m, err, ok := c.kept.get(info); ok {
		return m, err
	}
	return c.loads.Do(ctx, info.Name+"\n"+info.ETag, func() (*Model, error) {
		if m, err, ok := c.kept.get(info); ok { // it came between the look and here
			return m, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return c.read(ctx, info)
	})
}

// read reads, loads and keeps a model, or that it is bad.
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
	case ctx.Err() != nil: // ours, not that of those who wait
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
