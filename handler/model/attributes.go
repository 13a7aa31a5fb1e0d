package model

import (
	"context"
	"fmt"
	"sync"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// maxAttributes is the size of the largest file of attributes.
const maxAttributes = 64 << 20

// attributes holds the version of the file of attributes that was read last.
type attributes struct {
	mu   sync.Mutex
	etag string
	read features.Attributes
	err  error
}

// Attributes returns the attributes of devices in a registered version of their
// file, from memory or from its blob. Its errors are those of [Cache.Model].
func (c *Cache) Attributes(ctx context.Context, version fleet.Model) (features.Attributes, error) {
	a := &c.attributes
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.etag == version.ETag {
		return a.read, a.err
	}
	if version.Size > maxAttributes {
		return nil, fmt.Errorf("%w: %s: the file has %d bytes, more than %d", fleet.ErrBadModel, version.Name, version.Size, maxAttributes)
	}
	data, _, err := c.blobs.Read(ctx, blob.Models, version.Name, version.ETag, version.Size)
	if err != nil {
		return nil, err
	}
	a.read, a.err = features.ParseAttributes(data)
	a.etag = version.ETag
	return a.read, a.err
}
