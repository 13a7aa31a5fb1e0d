package model

import (
	"context"
	"fmt"
	"sync"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// maxAttributes is the size of the largest devices.csv, in bytes.
const maxAttributes = 64 << 20

// attributes holds the version of devices.csv that was read last.
type attributes struct {
	mu    sync.Mutex
	etag  string
	read  features.Attributes
	err   error
	loads spawn.Flight[features.Attributes]
}

func (a *attributes) get(etag string) (read features.Attributes, err error, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.read, a.err, a.etag == etag
}

func (a *attributes) put(etag string, read features.Attributes, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.etag, a.read, a.err = etag, read, err
}

// Attributes returns the attributes of devices in a registered version of devices.csv, from
// memory or from its blob. Concurrent calls share one read. The errors are those of
// [Cache.Model].
func (c *Cache) Attributes(ctx context.Context, version fleet.Model) (features.Attributes, error) {
	a := &c.attributes
	if read, err, ok := a.get(version.ETag); ok {
		return read, err
	}
	return a.loads.Do(ctx, version.ETag, func() (features.Attributes, error) {
		if version.Size > maxAttributes {
			return nil, fmt.Errorf("%w: %s: the file has %d bytes, more than %d", fleet.ErrBadModel, version.Name, version.Size, maxAttributes)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		data, _, err := c.blobs.Read(ctx, blob.Models, version.Name, version.ETag, version.Size)
		switch {
		case err == nil:
		case ctx.Err() != nil: // loadTimeout has passed
			return nil, fmt.Errorf("%w: read %s: not done in %v", fleet.ErrUnavailable, version.Name, loadTimeout)
		default:
			return nil, err
		}
		read, err := features.ParseAttributes(data)
		a.put(version.ETag, read, err)
		return read, err
	})
}
