package pickle

import (
	"errors"
	"fmt"
)

// global2to3 maps modules of Python 2, which protocols 0 to 2 write, to those of Python 3.
var global2to3 = map[string]string{"__builtin__": "builtins", "copy_reg": "copyreg"}

func (r *reader) global() error {
	g, err := r.globalText()
	if err != nil {
		return err
	}
	return r.pushNew(r.name(g), sizeHolder+len(g.Module)+len(g.Name))
}

// globalText reads a name from two lines, as GLOBAL and INST have it.
func (r *reader) globalText() (Global, error) {
	module, err := r.line()
	if err != nil {
		return Global{}, err
	}
	name, err := r.line()
	if err != nil {
		return Global{}, err
	}
	g := Global{r.text(module).(string), r.text(name).(string)}
	if m, ok := global2to3[g.Module]; ok {
		g.Module = m
	}
	return g, nil
}

func (r *reader) stackGlobal() error {
	names, err := r.pop(2)
	if err != nil {
		return err
	}
	module, ok1 := names[0].(string)
	name, ok2 := names[1].(string)
	if !ok1 || !ok2 {
		return errors.New("a name that is no string")
	}
	return r.pushNew(r.name(Global{module, name}), sizeHolder)
}

// reduce pops a function and a tuple of arguments, and pushes the result of the call.
func (r *reader) reduce() error {
	call, err := r.pop(2)
	if err != nil {
		return err
	}
	if refused, ok := call[0].(*Refused); ok {
		return r.push(refused)
	}
	function, ok1 := call[0].(Global)
	args, ok2 := call[1].(*Tuple)
	if !ok1 || !ok2 {
		return fmt.Errorf("cannot call %s", Kind(call[0]))
	}
	if evaluate := r.callee(&function).evaluate; evaluate != nil {
		return evaluate(r, args.Items)
	}
	return r.pushObject(function, args.Items, nil)
}

// callee says how a call of a name is evaluated.
type callee struct {
	Global
	allowed  bool
	evaluate func(*reader, []any) error // of a built-in function; else nil
}

// callee looks up a name. It remembers the last names, since a file calls a few names many
// times. The result is valid until the next call of callee.
func (r *reader) callee(name *Global) *callee {
	for i := range r.calls {
		if c := &r.calls[i]; c.Global == *name {
			return c
		}
	}
	if len(r.calls) == cap(r.calls) {
		r.calls = r.calls[:0]
	}
	c := callee{Global: *name, evaluate: builtin[*name]}
	c.allowed = c.evaluate == nil && r.opt.Allow != nil && r.opt.Allow(*name)
	r.calls = append(r.calls, c)
	return &r.calls[len(r.calls)-1]
}

// pushObject pushes the [Object] of a call, or a [Refused] if the name is not allowed.
func (r *reader) pushObject(class Global, args []any, kwargs *Dict) error {
	if !r.callee(&class).allowed {
		refused := &Refused{Global: class, Offset: r.pos - 1, Args: args}
		if r.opt.Refuse != nil {
			r.opt.Refuse(refused)
		}
		return r.pushNew(refused, sizeHolder)
	}
	o := r.opt.Memory.objects.one()
	*o = Object{Class: class, Args: args, Kwargs: kwargs, nest: nest{1}}
	if err := o.deepen(args); err != nil {
		return err
	}
	return r.pushNew(o, sizeObject)
}

func (r *reader) newObj() error {
	call, err := r.pop(2)
	if err != nil {
		return err
	}
	return r.instantiate(call[0], call[1], nil)
}

func (r *reader) newObjEx() error {
	call, err := r.pop(3)
	if err != nil {
		return err
	}
	kwargs, ok := call[2].(*Dict)
	if !ok {
		return errors.New("keyword arguments that are no dict")
	}
	return r.instantiate(call[0], call[1], kwargs)
}

func (r *reader) instantiate(class, args any, kwargs *Dict) error {
	if refused, ok := class.(*Refused); ok {
		return r.push(refused)
	}
	c, ok1 := class.(Global)
	a, ok2 := args.(*Tuple)
	if !ok1 || !ok2 {
		return fmt.Errorf("cannot make an instance of %s", Kind(class))
	}
	return r.pushObject(c, a.Items, kwargs)
}

// inst and obj make instances of classic classes of Python 2.
func (r *reader) inst() error {
	class, err := r.globalText()
	if err != nil {
		return err
	}
	items, err := r.popToMark()
	if err != nil {
		return err
	}
	args, err := r.keep(items)
	if err != nil {
		return err
	}
	return r.pushObject(class, args, nil)
}

func (r *reader) obj() error {
	items, err := r.popToMark()
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return errUnderflow
	}
	class, ok := items[0].(Global)
	if !ok {
		return fmt.Errorf("cannot make an instance of %s", Kind(items[0]))
	}
	args, err := r.keep(items[1:])
	if err != nil {
		return err
	}
	return r.pushObject(class, args, nil)
}

// build sets the state of an object. After that [Options].Built may replace the object.
func (r *reader) build() error {
	state, err := r.pop(1)
	if err != nil {
		return err
	}
	target, err := r.top()
	if err != nil {
		return err
	}
	o, ok := target.(*Object)
	if !ok {
		if _, refused := target.(*Refused); refused {
			return nil
		}
		return fmt.Errorf("cannot give a state to %s", Kind(target))
	}
	if o.built {
		return fmt.Errorf("an object of %v is given a state twice", o.Class)
	}
	if err := o.deepen(state); err != nil {
		return err
	}
	o.State, o.built = state[0], true
	if r.opt.Built == nil {
		return nil
	}
	v, err := r.opt.Built(o, r.Input)
	if err != nil {
		return err
	}
	r.stack[len(r.stack)-1] = v
	return nil
}
