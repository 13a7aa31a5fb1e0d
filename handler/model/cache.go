package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Blobs is what the [Cache] needs of blob storage.
type Blobs interface {
	Stat(ctx context.Context, container, name string) (blob.Info, error)
	Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error)
}

// Model is a loaded model. It may be used concurrently, and for as long as one
// likes.
type Model struct {
	predict.Model
	name, sha256 string
}

// Name returns the name of the blob that the model was read from.
func (m *Model) Name() string { return m.name }

// SHA256 returns that of the blob's content, in lower-case hex.
func (m *Model) SHA256() string { return m.sha256 }

// Cache finds and keeps models. Its methods may be called concurrently.
type Cache struct {
	blobs   Blobs
	load    func(data []byte) (predict.Model, error)
	maxFile int64

	kept    kept
	loads   spawn.Flight[*Model]
	loading *semaphore.Weighted // in bytes of files
	// defaults says that the sensor before had no model of its own: then the
	// default is asked for together with the sensor's.
	defaults atomic.Bool
}

// loadTimeout bounds the reading of one file, on which several invocations may
// wait, whatever the deadline of the first of them.
const loadTimeout = 2 * time.Minute

// NewCache returns a cache of the models in blobs. A file of at most maxFile
// bytes is given to load, whose errors are the model's fault. Loaded models
// are dropped, the longest unused first, when they hold more than maxBytes; so
// many bytes of files at most, or one file, are being loaded at a time.
func NewCache(blobs Blobs, load func(data []byte) (predict.Model, error), maxFile, maxBytes int64) *Cache {
	return &Cache{blobs: blobs, load: load, maxFile: maxFile, kept: kept{max: maxBytes}, loading: semaphore.NewWeighted(max(maxBytes, maxFile))}
}

// Model returns the model that serves id now. Its errors wrap
// fleet.ErrNoModel if there is none, fleet.ErrBadModel if there are two or
// it cannot be used, else fleet.ErrUnavailable or the context's error.
func (c *Cache) Model(ctx context.Context, id fleet.ID) (*Model, error) {
	m, err := c.find(ctx, id)
	if errors.Is(err, blob.ErrNotFound) { // deleted since it was looked at
		m, err = c.find(ctx, id)
	}
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("model of %s: %w: it is being replaced", id, fleet.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("model of %s: %w", id, err)
	}
	return m, nil
}

func (c *Cache) find(ctx context.Context, id fleet.ID) (*Model, error) {
	own := Names(id)
	names := own
	if c.defaults.Load() {
		names = append(names, Defaults...)
	}
	found, err := c.stat(ctx, names)
	if err != nil {
		return nil, err
	}
	serving, rest := existing(found[:len(own)]), found[len(own):]
	c.defaults.Store(len(serving) == 0)
	if len(serving) == 0 {
		if len(rest) == 0 {
			if rest, err = c.stat(ctx, Defaults); err != nil {
				return nil, err
			}
		}
		serving = existing(rest)
	}
	switch len(serving) {
	case 0:
		return nil, fmt.Errorf("%w: neither %s nor a default is in container %s: publish one", fleet.ErrNoModel, own[0], blob.Models)
	case 1:
		return c.get(ctx, serving[0])
	default:
		both := make([]string, len(serving))
		for i, info := range serving {
			both[i] = info.Name
		}
		return nil, fmt.Errorf("%w: %s in container %s could serve it: delete all but one", fleet.ErrBadModel, strings.Join(both, " and "), blob.Models)
	}
}

// stat looks at all names at once. Those that don't exist have no ETag.
func (c *Cache) stat(ctx context.Context, names []string) ([]blob.Info, error) {
	found := make([]blob.Info, len(names))
	g, ctx := spawn.WithContext(ctx)
	for i, name := range names {
		g.Start(func() (err error) {
			found[i], err = c.blobs.Stat(ctx, blob.Models, name)
			if errors.Is(err, blob.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	return found, g.Wait()
}

func existing(infos []blob.Info) (found []blob.Info) {
	for _, info := range infos {
		if info.ETag != "" {
			found = append(found, info)
		}
	}
	return found
}

// get returns the model with info's ETag from memory, or reads it. Those who
// ask for it at the same time share one reading.
func (c *Cache) get(ctx context.Context, info blob.Info) (*Model, error) {
	if m, err, ok := c.kept.get(info); ok {
		return m, err
	}
	return c.loads.Do(ctx, info.Name+"\n"+info.ETag, func() (*Model, error) {
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
	content, info, err := c.blobs.Read(ctx, blob.Models, info.Name, "", c.maxFile)
	switch {
	case errors.Is(err, blob.ErrNotFound), err == nil:
	case errors.Is(err, fleet.ErrInvalid): // grown since it was looked at
		return nil, fmt.Errorf("%w: %w", fleet.ErrBadModel, err)
	case ctx.Err() != nil: // ours, not that of those who wait
		return nil, fmt.Errorf("%w: read %s: not done in %v", fleet.ErrUnavailable, info.Name, loadTimeout)
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	m := &Model{name: info.Name, sha256: hex.EncodeToString(sum[:])}
	if m.Model, err = c.load(content); err != nil {
		err = fmt.Errorf("%w: %s: %w", fleet.ErrBadModel, info.Name, err)
		c.kept.put(info, nil, err)
		return nil, err
	}
	c.kept.put(info, m, nil)
	return m, nil
}
