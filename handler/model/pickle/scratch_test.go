package pickle

import (
	"strings"
	"testing"
	"unsafe"
)

// TestShared: readers keep strings and names of up to 48 bytes for one another, and no
// longer ones.
func TestShared(t *testing.T) {
	t.Parallel()
	s := new(scratch)
	texts := func() (n int) {
		for _, v := range s.texts {
			if v != nil {
				n++
			}
		}
		return n
	}
	names := func() (n int) {
		for _, v := range s.names {
			if v != nil {
				n++
			}
		}
		return n
	}
	short, long := strings.Repeat("a", 48), strings.Repeat("a", 49)
	if got := s.text([]byte(long)); got != any(long) || texts() != 0 {
		t.Errorf("a string of 49 bytes: %v, %d are kept", got, texts())
	}
	first, again := s.text([]byte(short)).(string), s.text([]byte(short)).(string)
	if first != short || unsafe.StringData(first) != unsafe.StringData(again) || texts() != 1 {
		t.Errorf("a string of 48 bytes: %q, %q, %d are kept", first, again, texts())
	}
	for _, g := range []Global{{long, "a"}, {"a", long}} {
		if got := s.name(g); got != any(g) || names() != 0 {
			t.Errorf("%v: %v, %d are kept", g, got, names())
		}
	}
	for _, g := range []Global{{short, short}, {"a", short}} { // of one hash
		if got := s.name(g); got != any(g) || names() != 1 {
			t.Errorf("%v: %v, %d are kept", g, got, names())
		}
	}
}

// TestForgotten: a reader leaves nothing of a file to the next but strings and names.
func TestForgotten(t *testing.T) {
	t.Parallel()
	s := new(scratch)
	in := &Input{data: []byte("(K\x01\x94K\x02\x94l0cm\nf\n)R."), opt: Options{Budget: NewBudget(0), Memory: new(Memory), Allow: func(Global) bool { return true }}}
	s.reader = reader{Input: in, scratch: s, stack: s.stack[:0], marks: s.marks[:0], memo: s.memo[:0], calls: s.calls[:0]}
	if _, err := s.reader.run(); err != nil || s.stack[0] == nil || s.memo[1] == nil || s.calls[0].Name == "" {
		t.Fatal("nothing to leave:", err)
	}
	s.forget()
	for i, v := range s.stack {
		if v != nil {
			t.Errorf("the stack has %v at %d", v, i)
		}
	}
	for i, v := range s.memo {
		if v != nil {
			t.Errorf("the memo has %v at %d", v, i)
		}
	}
	if s.calls[0].Name != "" || s.calls[0].evaluate != nil || s.reader.Input != nil {
		t.Errorf("it has called %v", s.calls[0].Global)
	}
}

// TestOpcodesPay: each opcode adds 64 bytes to the budget, all of them 64 MiB at most.
func TestOpcodesPay(t *testing.T) {
	t.Parallel()
	b := new(Budget)
	for n := 1; n <= 1<<20+10; n++ {
		if b.opcode(); b.left != 64*min(n, 1<<20) {
			t.Fatalf("%d opcodes have added %d bytes", n, b.left)
		}
	}
}

// TestSlab: values are taken of rooms of 8 KiB, large ones of their own; after a reset the
// last room is taken again, with nothing in it.
func TestSlab(t *testing.T) {
	t.Parallel()
	var s slab[int64]
	const room = slabSize / 8
	first := s.take(room - 1)
	if last := s.take(1); unsafe.SliceData(last) != unsafe.SliceData(s.all[room-1:]) || len(s.free) != 0 {
		t.Error("the last of a room is not taken of it")
	}
	if large := s.take(room); len(large) != room || len(s.all) != room || unsafe.SliceData(large) == unsafe.SliceData(s.all) {
		t.Error("a large one takes the room of others")
	}
	first[0], first[room-2] = 1, 2
	s.reset()
	again := s.take(room - 1)
	if unsafe.SliceData(again) != unsafe.SliceData(first) || again[0] != 0 || again[room-2] != 0 || cap(again) != room-1 {
		t.Errorf("after a reset it holds %d and %d", again[0], again[room-2])
	}
}
