package pickle

import (
	"fmt"
	"strconv"
)

// Sizes of values in memory, in bytes, for the budget.
const (
	sizeValue  = 16 // an interface, or a small value that it points to
	sizeEntry  = 2 * sizeValue
	sizeHolder = 64 // a container without its items
	sizeObject = 192
)

// grow returns s with capacity for n more values of size bytes each. It takes the bytes from
// the budget and the memory from m.
func grow[T any](b *Budget, m *slab[T], s []T, n, size int) ([]T, error) {
	if cap(s)-len(s) >= n {
		return s, nil
	}
	room := max(len(s)+n, 2*cap(s))
	if err := b.Take(room * size); err != nil {
		return nil, err
	}
	return append(m.take(room)[:0], s...), nil
}

func (r *reader) push(v any) (err error) {
	if len(r.stack) == cap(r.stack) {
		if r.stack, err = grow(r.opt.Budget, &r.opt.Memory.items, r.stack, 1, sizeValue); err != nil {
			return err
		}
	}
	r.stack = append(r.stack, v)
	return nil
}

// pushNew takes size bytes from the budget and pushes a value.
func (r *reader) pushNew(v any, size int) error {
	if err := r.opt.Budget.Take(size); err != nil {
		return err
	}
	return r.push(v)
}

// base returns the height of the stack at the last mark.
func (r *reader) base() int {
	if len(r.marks) == 0 {
		return 0
	}
	return r.marks[len(r.marks)-1]
}

// pop removes and returns the top n values of the stack, which must be above the last mark.
// The result is valid until the next push.
func (r *reader) pop(n int) ([]any, error) {
	top := len(r.stack)
	if top-n < r.base() {
		return nil, errUnderflow
	}
	r.highest = max(r.highest, top)
	r.stack = r.stack[:top-n]
	return r.stack[top-n : top], nil
}

// top returns the value on top of the stack, above the last mark.
func (r *reader) top() (any, error) {
	if len(r.stack) <= r.base() {
		return nil, errUnderflow
	}
	return r.stack[len(r.stack)-1], nil
}

// popToMark removes the last mark, and removes and returns the values above it. The result
// is valid until the next push.
func (r *reader) popToMark() ([]any, error) {
	if len(r.marks) == 0 {
		return nil, errNoMark
	}
	r.highest = max(r.highest, len(r.stack))
	base := r.base()
	r.marks = r.marks[:len(r.marks)-1]
	items := r.stack[base:]
	r.stack = r.stack[:base]
	return items, nil
}

func (r *reader) mark() error {
	if len(r.marks) == maxMarks {
		return fmt.Errorf("%w: %d marks open at once", ErrLimit, maxMarks+1)
	}
	r.marks = append(r.marks, len(r.stack))
	return nil
}

func (r *reader) opPop() error {
	if len(r.marks) > 0 && len(r.stack) == r.base() {
		return r.popMark()
	}
	_, err := r.pop(1)
	return err
}

func (r *reader) popMark() error {
	_, err := r.popToMark()
	return err
}

func (r *reader) dup() error {
	v, err := r.top()
	if err != nil {
		return err
	}
	return r.push(v)
}

func (r *reader) put(index uint64) (err error) {
	v, err := r.top()
	if err != nil {
		return err
	}
	if index == uint64(len(r.memo)) && len(r.memo) < cap(r.memo) {
		r.memo = append(r.memo, v)
		return nil
	}
	if index >= uint64(len(r.memo)+maxMemoGap) {
		return fmt.Errorf("memo index %d is far beyond the %d in use", index, len(r.memo))
	}
	if gap := int(index) + 1 - len(r.memo); gap > 0 {
		if r.memo, err = grow(r.opt.Budget, &r.opt.Memory.items, r.memo, gap, sizeValue); err != nil {
			return err
		}
		for range gap {
			r.memo = append(r.memo, unset{})
		}
	}
	r.memo[index] = v
	return nil
}

// unset is the value of the memo at an index where nothing was put.
type unset struct{}

func (r *reader) get(index uint64) error {
	if index < uint64(len(r.memo)) {
		if v := r.memo[index]; v != (any)(unset{}) {
			return r.push(v)
		}
	}
	return fmt.Errorf("nothing is in the memo at %d", index)
}

func (r *reader) memoize() error { return r.put(uint64(len(r.memo))) }
func (r *reader) put4() error    { return r.withUint(4, r.put) }
func (r *reader) get4() error    { return r.withUint(4, r.get) }
func (r *reader) putText() error { return r.withDecimal(r.put) }
func (r *reader) getText() error { return r.withDecimal(r.get) }

// put1 and get1 do not use withUint, because they are a third of all opcodes up to protocol
// 3.
func (r *reader) put1() error {
	n, err := r.byte()
	if err != nil {
		return err
	}
	return r.put(uint64(n))
}

func (r *reader) get1() error {
	n, err := r.byte()
	if err != nil {
		return err
	}
	return r.get(uint64(n))
}

func (r *reader) withUint(size int, f func(uint64) error) error {
	n, err := r.uint(size)
	if err != nil {
		return err
	}
	return f(n)
}

func (r *reader) withDecimal(f func(uint64) error) error {
	line, err := r.line()
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(line), 10, 31)
	if err != nil {
		return fmt.Errorf("memo index %.40q is no number", line)
	}
	return f(n)
}
