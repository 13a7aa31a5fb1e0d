package pickle

import (
	"hash/maphash"
	"sync"
	"unsafe"
)

// scratch is what one reader leaves to the next: itself, room for its stack and
// memo, and the short strings and the names that it met, since files of one kind
// have most of them in common.
type scratch struct {
	reader reader
	stack  [128]any
	marks  [16]int
	memo   [256]any
	calls  [16]callee
	texts  [1024]any // strings, each at its hash
	names  [256]any  // Globals, each at the hash of its name
}

// maxText is the length of the longest string that is kept.
const maxText = 48

var (
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	seed      = maphash.MakeSeed()
)

// release hands s on, with nothing in it but strings and names.
func (s *scratch) release() {
	r := &s.reader
	clear(s.stack[:min(max(r.highest, len(r.stack)), len(s.stack))])
	clear(s.memo[:min(len(r.memo), len(s.memo))])
	clear(s.calls[:])
	*r = reader{}
	scratches.Put(s)
}

// text returns the string of bytes b.
func (s *scratch) text(b []byte) any {
	if len(b) > maxText {
		return string(b)
	}
	kept := &s.texts[maphash.Bytes(seed, b)%uint64(len(s.texts))]
	if text, ok := (*kept).(string); !ok || text != string(b) {
		*kept = string(b)
	}
	return *kept
}

// name returns a [Global].
func (s *scratch) name(g Global) any {
	if len(g.Module) > maxText || len(g.Name) > maxText {
		return g
	}
	kept := &s.names[maphash.String(seed, g.Name)%uint64(len(s.names))]
	if name, ok := (*kept).(Global); !ok || name != g {
		*kept = g
	}
	return *kept
}

// Memory is where a pickle's tuples, lists, dicts and objects are allocated, many
// at a time. Its zero value is ready to use.
type Memory struct {
	items   slab[any]
	entries slab[Entry]
	tuples  slab[Tuple]
	lists   slab[List]
	dicts   slab[Dict]
	objects slab[Object]
}

// Reset takes back all that was read into m, for the next pickle: no tuple, list,
// dict or object may be used any more, nor their slices of items. Strings,
// numbers and names stay good.
func (m *Memory) Reset() {
	m.items.reset()
	m.entries.reset()
	m.tuples.reset()
	m.lists.reset()
	m.dicts.reset()
	m.objects.reset()
}

// slab allocates values of one type, slabSize bytes at a time.
type slab[T any] struct{ all, free []T }

const slabSize = 8 << 10

func (s *slab[T]) one() *T { return &s.take(1)[0] }

// reset takes back what was taken of the last slabSize bytes, and leaves what
// was before to the garbage collector.
func (s *slab[T]) reset() {
	clear(s.all[:len(s.all)-len(s.free)])
	s.free = s.all
}

// take returns n zero values.
func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		var zero T
		room := slabSize / int(unsafe.Sizeof(zero))
		if n >= room {
			return make([]T, n)
		}
		s.all = make([]T, room)
		s.free = s.all
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}
