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

// slabs are where the small values of a pickle are allocated, many at a time.
type slabs struct {
	items   slab[any]
	tuples  slab[Tuple]
	objects slab[Object]
}

// slab allocates values of one type, slabSize bytes at a time.
type slab[T any] struct{ free []T }

const slabSize = 2 << 10

func (s *slab[T]) one() *T { return &s.take(1)[0] }

// take returns n zero values.
func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		var zero T
		room := slabSize / int(unsafe.Sizeof(zero))
		if n >= room {
			return make([]T, n)
		}
		s.free = make([]T, room)
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}
