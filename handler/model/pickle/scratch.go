package pickle

import (
	"hash/maphash"
	"sync"
	"unsafe"
)

// scratch is memory that is reused from one pickle to the next. It also keeps short strings
// and names, most of which occur in every file of a kind.
type scratch struct {
	reader reader
	stack  [128]any
	marks  [16]int
	memo   [256]any
	calls  [16]callee
	texts  [1024]any // strings, by their hash
	names  [256]any  // Globals, by the hash of Global.Name
}

// maxText is the length of the longest string that scratch keeps, in bytes.
const maxText = 48

var (
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	seed      = maphash.MakeSeed()
)

// release returns s to the pool. It keeps only strings and names.
func (s *scratch) release() {
	s.forget()
	scratches.Put(s)
}

// forget clears all but strings and names.
func (s *scratch) forget() {
	r := &s.reader
	clear(s.stack[:min(max(r.highest, len(r.stack)), len(s.stack))])
	clear(s.memo[:min(len(r.memo), len(s.memo))])
	clear(s.calls[:])
	*r = reader{}
}

// text returns b as a string.
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

// name returns g as a value.
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

// Memory allocates tuples, lists, dicts and objects, many at a time. The zero value is ready
// to use.
type Memory struct {
	items   slab[any]
	entries slab[Entry]
	tuples  slab[Tuple]
	lists   slab[List]
	dicts   slab[Dict]
	objects slab[Object]
}

// Reset makes m ready for the next pickle. Tuples, lists, dicts and objects that were read
// into m must not be used after that, nor their slices. Strings, numbers and names may be.
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

// reset reuses the last slabSize bytes. The garbage collector frees those before.
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
