package model

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/fleetscore/fleetscore/handler/blob"
)

// kept holds loaded models by the name of their blob, one version each. They take at most
// max bytes of memory, but the last one is always kept.
type kept struct {
	max int64

	mu    sync.Mutex
	lru   *simplelru.LRU[string, entry]
	bytes int64
}

// entry is a model, or the error for a file that is no valid model.
type entry struct {
	etag  string
	model *Model
	err   error
	bytes int64
}

// overhead is about how many bytes an entry takes without its model.
const overhead = 512

func (k *kept) get(info blob.Info) (m *Model, err error, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lru == nil {
		return nil, nil, false
	}
	e, ok := k.lru.Get(info.Name)
	if !ok || e.etag != info.ETag {
		return nil, nil, false
	}
	return e.model, e.err, true
}

func (k *kept) put(info blob.Info, m *Model, err error) {
	e := entry{info.ETag, m, err, overhead}
	if m != nil {
		e.bytes += int64(m.Size())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lru == nil {
		// NewLRU fails only for a size below 1. The limit in bytes is kept below.
		k.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ string, e entry) { k.bytes -= e.bytes })
	}
	k.lru.Remove(info.Name)
	k.lru.Add(info.Name, e)
	for k.bytes += e.bytes; k.bytes > k.max && k.lru.Len() > 1; {
		k.lru.RemoveOldest()
	}
}
