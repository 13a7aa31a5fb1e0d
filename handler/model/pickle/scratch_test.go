package pickle

import (
	"strings"
	"testing"
	"unsafe"
)

// TestShared checks that readers share strings and names of up to 48 bytes, and no longer
// ones.
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
		t.Errorf("a string of 49 bytes: got %v, and %d strings are shared; want none", got, texts())
	}
	first, again := s.text([]byte(short)).(string), s.text([]byte(short)).(string)
	if first != short || unsafe.StringData(first) != unsafe.StringData(again) || texts() != 1 {
		t.Errorf("a string of 48 bytes: got %q and %q, and %d strings are shared; want one", first, again, texts())
	}
	for _, g := range []Global{{long, "a"}, {"a", long}} {
		if got := s.name(g); got != any(g) || names() != 0 {
			t.Errorf("%v: got %v, and %d names are shared", g, got, names())
		}
	}
	for _, g := range []Global{{short, short}, {"a", short}} { // both have the same hash
		if got := s.name(g); got != any(g) || names() != 1 {
			t.Errorf("%v: got %v, and %d names are shared", g, got, names())
		}
	}
}

// TestForgotten checks that forget removes all values of a file, except shared strings and
// names.
func TestForgotten(t *testing.T) {
	t.Parallel()
	s := new(scratch)
	in := &Input{data: []byte("(K\x01\x94K\x02\x94l0cm\nf\n)R."), opt: Options{Budget: NewBudget(0), Memory: new(Memory), Allow: func(Global) bool { return true }}}
	s.reader = reader{Input: in, scratch: s, stack: s.stack[:0], marks: s.marks[:0], memo: s.memo[:0], calls: s.calls[:0]}
	if _, err := s.reader.run(); err != nil || s.stack[0] == nil || s.memo[1] == nil || s.calls[0].Name == "" {
		t.Fatalf("the stack, the memo or the calls are empty before forget (%v)", err)
	}
	s.forget()
	for i, v := range s.stack {
		if v != nil {
			t.Errorf("after forget, the stack has %v at %d", v, i)
		}
	}
	for i, v := range s.memo {
		if v != nil {
			t.Errorf("after forget, the memo has %v at %d", v, i)
		}
	}
	if s.calls[0].Name != "" || s.calls[0].evaluate != nil || s.reader.Input != nil {
		t.Errorf("after forget, there is a call of %v", s.calls[0].Global)
	}
}

// TestOpcodes checks that each opcode adds 64 bytes to the budget, and all together at most
// 64 MiB.
func TestOpcodes(t *testing.T) {
	t.Parallel()
	b := new(Budget)
	for n := 1; n <= 1<<20+10; n++ {
		if b.opcode(); b.left != 64*min(n, 1<<20) {
			t.Fatalf("%d opcodes added %d bytes, want %d", n, b.left, 64*min(n, 1<<20))
		}
	}
}

// TestSlab checks that small slices come from blocks of 8 KiB, and that a large slice has
// memory of its own. After a reset the last block is used again, with zeros.
func TestSlab(t *testing.T) {
	t.Parallel()
	var s slab[int64]
	const block = slabSize / 8
	first := s.take(block - 1)
	if last := s.take(1); unsafe.SliceData(last) != unsafe.SliceData(s.all[block-1:]) || len(s.free) != 0 {
		t.Error("the last element of a block was not used")
	}
	if large := s.take(block); len(large) != block || len(s.all) != block || unsafe.SliceData(large) == unsafe.SliceData(s.all) {
		t.Error("a large slice comes from a block of small ones")
	}
	first[0], first[block-2] = 1, 2
	s.reset()
	again := s.take(block - 1)
	if unsafe.SliceData(again) != unsafe.SliceData(first) || again[0] != 0 || again[block-2] != 0 || cap(again) != block-1 {
		t.Errorf("after a reset the block has %d and %d, want zeros", again[0], again[block-2])
	}
}
