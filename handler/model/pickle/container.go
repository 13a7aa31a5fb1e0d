package pickle

import (
	"errors"
	"fmt"
	"math/big"
)

var errOdd = errors.New("a key without a value")

// deepen raises the depth of a container to that of its deepest item plus one.
func (n *nest) deepen(items []any) error {
	level := n.level
	for _, v := range items {
		level = max(level, levelOf(v)+1)
	}
	if n.level = level; level > maxDepth {
		return fmt.Errorf("%w: nested over %d deep", ErrLimit, maxDepth)
	}
	return nil
}

// keep returns a copy of values of the stack, which the next push overwrites.
func (r *reader) keep(items []any) ([]any, error) {
	if len(items) == 0 {
		return nil, nil
	}
	if err := r.opt.Budget.Take(len(items) * sizeValue); err != nil {
		return nil, err
	}
	kept := r.opt.Memory.items.take(len(items))
	copy(kept, items)
	return kept, nil
}

func (r *reader) pushTuple(items []any, err error) error {
	if err != nil {
		return err
	}
	t := r.opt.Memory.tuples.one()
	t.nest = nest{1}
	if err := t.deepen(items); err != nil {
		return err
	}
	if t.Items, err = r.keep(items); err != nil {
		return err
	}
	return r.pushNew(t, sizeHolder)
}

func (r *reader) tuple() error  { return r.pushTuple(r.popToMark()) }
func (r *reader) tuple0() error { return r.pushTuple(nil, nil) }
func (r *reader) tuple1() error { return r.pushTuple(r.pop(1)) }
func (r *reader) tuple2() error { return r.pushTuple(r.pop(2)) }
func (r *reader) tuple3() error { return r.pushTuple(r.pop(3)) }

func (r *reader) emptyList() error { return r.pushNew(r.newList(), sizeHolder) }
func (r *reader) emptySet() error  { return r.pushNew(&Set{nest: nest{1}}, sizeHolder) }
func (r *reader) emptyDict() error { return r.pushNew(r.newDict(), sizeHolder) }

func (r *reader) newList() *List {
	l := r.opt.Memory.lists.one()
	l.nest = nest{1}
	return l
}

func (r *reader) newDict() *Dict {
	d := r.opt.Memory.dicts.one()
	d.nest = nest{1}
	return d
}

func (r *reader) list() error {
	items, err := r.popToMark()
	if err != nil {
		return err
	}
	l := r.newList()
	if err := r.extend(&l.Items, &l.nest, items); err != nil {
		return err
	}
	return r.pushNew(l, sizeHolder)
}

func (r *reader) dict() error {
	items, err := r.popToMark()
	if err != nil {
		return err
	}
	d := r.newDict()
	if err := r.update(&d.Entries, &d.nest, items); err != nil {
		return err
	}
	return r.pushNew(d, sizeHolder)
}

func (r *reader) frozenSet() error {
	items, err := r.popToMark()
	if err != nil {
		return err
	}
	s := &Set{nest: nest{1}}
	if err := r.extend(&s.Items, &s.nest, items); err != nil {
		return err
	}
	return r.pushNew(s, sizeHolder)
}

// extend appends items to those of a container.
func (r *reader) extend(to *[]any, n *nest, items []any) (err error) {
	if err := n.deepen(items); err != nil {
		return err
	}
	if *to, err = grow(r.opt.Budget, &r.opt.Memory.items, *to, len(items), sizeValue); err != nil {
		return err
	}
	*to = append(*to, items...)
	return nil
}

// update appends alternating keys and values to the entries of a container.
func (r *reader) update(to *[]Entry, n *nest, items []any) (err error) {
	if len(items)%2 != 0 {
		return errOdd
	}
	if err := n.deepen(items); err != nil {
		return err
	}
	if *to, err = grow(r.opt.Budget, &r.opt.Memory.entries, *to, len(items)/2, sizeEntry); err != nil {
		return err
	}
	for i := 0; i < len(items); i += 2 {
		*to = append(*to, Entry{items[i], items[i+1]})
	}
	return nil
}

func (r *reader) append() error  { return r.appendItems(r.pop(1)) }
func (r *reader) appends() error { return r.appendItems(r.popToMark()) }

func (r *reader) appendItems(items []any, err error) error {
	target, err := r.target(err)
	if err != nil || target == nil {
		return err
	}
	switch to := target.(type) {
	case *List:
		return r.extend(&to.Items, &to.nest, items)
	case *Object:
		return r.extend(&to.List, &to.nest, items)
	}
	return fmt.Errorf("cannot append to %s", Kind(target))
}

func (r *reader) setItem() error  { return r.setEntries(r.pop(2)) }
func (r *reader) setItems() error { return r.setEntries(r.popToMark()) }

func (r *reader) setEntries(items []any, err error) error {
	target, err := r.target(err)
	if err != nil || target == nil {
		return err
	}
	switch to := target.(type) {
	case *Dict:
		return r.update(&to.Entries, &to.nest, items)
	case *Object:
		return r.update(&to.Entries, &to.nest, items)
	}
	return fmt.Errorf("cannot set items of %s", Kind(target))
}

func (r *reader) addItems() error {
	items, err := r.popToMark()
	target, err := r.target(err)
	if err != nil || target == nil {
		return err
	}
	if to, ok := target.(*Set); ok {
		return r.extend(&to.Items, &to.nest, items)
	}
	return fmt.Errorf("cannot add to %s", Kind(target))
}

// target returns the container on top of the stack, or nil if it is a [Refused]: then the
// items are ignored. Err is the error of popping the items.
func (r *reader) target(err error) (any, error) {
	if err != nil {
		return nil, err
	}
	v, err := r.top()
	if _, refused := v.(*Refused); refused || err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errors.New("cannot change None")
	}
	return v, nil
}

// Kind returns the type of a value in Python's terms, "a list" for instance, for messages.
func Kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *Object:
		return "an object of " + v.Class.String()
	case *Refused:
		return "an object of " + v.Global.String()
	case Global:
		return v.String()
	case bool:
		return "a bool"
	case int64, *big.Int:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "a string"
	case []byte:
		return "bytes"
	case *Tuple:
		return "a tuple"
	case *List:
		return "a list"
	case *Dict:
		return "a dict"
	case *Set:
		return "a set"
	}
	return "an array"
}
