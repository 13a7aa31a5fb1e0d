package model

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/fleetscore/fleetscore/handler/blob"
)

// kept holds the models that were read, by blob name, each with the ETag it
// had: at most max bytes of them, but always the one that came last.
type kept struct {
	max int64

	mu    sync.Mutex
	lru   *simplelru.LRU[string, entry]
	bytes int64
}

// entry is a model, or why the file is none.
type entry struct {
	etag  string
	model *Model
	err   error
	bytes int64
}

// overhead is about what an entry takes besides its model.
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
		// NewLRU fails for a size below 1 only. The bound is ours, in bytes.
		k.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ string, e entry) { k.bytes -= e.bytes })
	}
	k.lru.Remove(info.Name)
	k.lru.Add(info.Name, e)
	for k.bytes += e.bytes; k.bytes > k.max && k.lru.Len() > 1; {
		k.lru.RemoveOldest()
	}
}
