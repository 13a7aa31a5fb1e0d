package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

var _ Store = (*Memory)(nil)

// Memory is a [Store] in memory, for tests. Its ETags count the writes, so
// that a test can read them. The zero value is empty and ready to use.
type Memory struct {
	// Now is the clock that [Info.Modified] is read from; nil for none.
	Now func() time.Time

	mu     sync.Mutex
	blobs  map[string]memoryBlob // by container/name
	writes int
}

type memoryBlob struct {
	content  []byte
	info     Info
	modified time.Time
}

func (m *Memory) get(container, name string) (memoryBlob, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[container+"/"+name]
	if !ok {
		return b, fmt.Errorf("%s/%s: %w", container, name, ErrNotFound)
	}
	return b, nil
}

// Stat implements [Store].
func (m *Memory) Stat(ctx context.Context, container, name string) (Info, error) {
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	b, err := m.get(container, name)
	b.info.Modified = b.modified
	return b.info, err
}

// Read implements [Store].
func (m *Memory) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	b, err := m.get(container, name)
	switch {
	case err != nil:
		return nil, Info{}, err
	case etag != "" && etag != b.info.ETag:
		return nil, Info{}, fmt.Errorf("%s/%s: %w", container, name, ErrChanged)
	case b.info.Size > limit:
		return nil, Info{}, fmt.Errorf("%s/%s: %w: %d bytes, more than %d", container, name, fleet.ErrInvalid, b.info.Size, limit)
	}
	return bytes.Clone(b.content), b.info, nil
}

// Write implements [Store].
func (m *Memory) Write(ctx context.Context, container, name string, cond Condition, contentType string, fill func(io.Writer) error) (Info, error) {
	var buf bytes.Buffer
	if err := fill(&buf); err != nil {
		return Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.blobs[container+"/"+name]
	if cond == Absent && exists || cond != "" && cond != Absent && (!exists || old.info.ETag != string(cond)) {
		return Info{}, fmt.Errorf("%s/%s: %w", container, name, ErrChanged)
	}
	m.writes++
	sum := sha256.Sum256(buf.Bytes())
	b := memoryBlob{buf.Bytes(), Info{Name: name, ETag: strconv.Itoa(m.writes), Size: int64(buf.Len()), SHA256: hex.EncodeToString(sum[:])}, time.Time{}}
	if m.Now != nil {
		b.modified = m.Now().UTC().Truncate(time.Second)
	}
	if m.blobs == nil {
		m.blobs = make(map[string]memoryBlob)
	}
	m.blobs[container+"/"+name] = b
	return b.info, nil
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, container, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Info{}, err)
			return
		}
		m.mu.Lock()
		keys := slices.Sorted(maps.Keys(m.blobs))
		blobs := maps.Clone(m.blobs)
		m.mu.Unlock()
		for _, key := range keys {
			info := blobs[key].info
			info.Modified = blobs[key].modified
			if strings.HasPrefix(key, container+"/"+prefix) && !yield(info, nil) {
				return
			}
		}
	}
}

// Delete implements [Store].
func (m *Memory) Delete(ctx context.Context, container, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, container+"/"+name)
	return nil
}
