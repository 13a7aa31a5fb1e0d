package pickle

import (
	"sync"
	"unsafe"
)

// scratch is what one reader leaves to the next: room for its stack and memo,
// and the short strings that it met, since files of one kind have most of them
// in common.
type scratch struct {
	stack [128]any
	marks [16]int
	memo  [256]any
	calls [16]callee
	texts map[string]any
}

// Bounds on the strings that are kept.
const (
	maxTexts = 512
	maxText  = 48 // bytes of each
)

var scratches = sync.Pool{New: func() any { return &scratch{texts: make(map[string]any)} }}

// release hands s on, with nothing in it but strings.
func (s *scratch) release() {
	clear(s.stack[:])
	clear(s.memo[:])
	clear(s.calls[:])
	scratches.Put(s)
}

// text returns the string of bytes b.
func (s *scratch) text(b []byte) any {
	if len(b) > maxText {
		return string(b)
	}
	text, ok := s.texts[string(b)]
	if !ok {
		if len(s.texts) == maxTexts {
			clear(s.texts)
		}
		key := string(b)
		text = key
		s.texts[key] = text
	}
	return text
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
