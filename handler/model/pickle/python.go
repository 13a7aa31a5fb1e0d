package pickle

import (
	"errors"
	"fmt"
)

// builtin are functions that Python calls for values and objects without an opcode in a
// protocol. They only convert data. The map is set by init, because some of them make calls
// themselves.
var builtin map[Global]func(r *reader, args []any) error

func init() {
	builtin = map[Global]func(r *reader, args []any) error{
		{"copyreg", "_reconstructor"}: (*reader).reconstructor,
		{"copyreg", "__newobj__"}:     (*reader).newObjCall,
		{"_codecs", "encode"}:         (*reader).encodeLatin1,
		{"builtins", "bytes"}:         (*reader).bytesCall,
		{"builtins", "bytearray"}:     (*reader).bytesCall,
		{"builtins", "set"}:           (*reader).setCall,
		{"builtins", "frozenset"}:     (*reader).setCall,
		{"dill._dill", "_load_type"}:  (*reader).loadType,

		{"dill._dill", "_create_namedtuple"}: (*reader).namedTuple,
	}
}

// reconstructor is _reconstructor(class, object, None), by which protocols 0 and 1 make an
// object. Of a class that is built on dict or tuple, the last arguments are that class and
// its content.
func (r *reader) reconstructor(args []any) error {
	if len(args) != 3 {
		return errors.New("copyreg._reconstructor wants three arguments")
	}
	switch base := args[1]; {
	case base == any(Global{"builtins", "object"}):
		return r.instantiate(args[0], &Tuple{}, nil)
	case base == any(Global{"builtins", "dict"}):
		of, ok := args[2].(*Dict)
		if !ok {
			return fmt.Errorf("cannot make a dict of %s", Kind(args[2]))
		}
		return r.reconstructDict(args[0], of)
	case base == any(Global{"builtins", "tuple"}): // a named tuple
		items, ok := args[2].(*Tuple)
		if !ok {
			return fmt.Errorf("cannot make a tuple of %s", Kind(args[2]))
		}
		return r.instantiate(args[0], items, nil)
	}
	return fmt.Errorf("objects built on %s are not supported", Kind(args[1]))
}

// reconstructDict makes an object of a class that is built on dict, with the entries of a
// dict.
func (r *reader) reconstructDict(class any, of *Dict) error {
	if err := r.instantiate(class, &Tuple{}, nil); err != nil {
		return err
	}
	o, ok := r.stack[len(r.stack)-1].(*Object)
	if !ok {
		return nil // it is refused
	}
	items := make([]any, 0, 2*len(of.Entries))
	for _, e := range of.Entries {
		items = append(items, e.Key, e.Value)
	}
	return r.update(&o.Entries, &o.nest, items)
}

// loadType is _load_type('slice'), by which dill writes a built-in class.
func (r *reader) loadType(args []any) error {
	if len(args) != 1 {
		return errors.New("dill._dill._load_type wants one argument")
	}
	name, ok := args[0].(string)
	if !ok {
		return fmt.Errorf("a type named by %s", Kind(args[0]))
	}
	return r.pushNew(Global{"builtins", name}, sizeHolder)
}

// namedTuple is _create_namedtuple(name, fields, module, defaults), by which dill writes the
// class of a named tuple.
func (r *reader) namedTuple(args []any) error {
	if len(args) < 3 {
		return errors.New("dill._dill._create_namedtuple wants a name, fields and a module")
	}
	name, ok1 := args[0].(string)
	module, ok2 := args[2].(string)
	if !ok1 || !ok2 {
		return errors.New("a named tuple whose name or module is no string")
	}
	return r.pushNew(r.name(Global{module, name}), sizeHolder)
}

func (r *reader) newObjCall(args []any) error {
	if len(args) == 0 {
		return errors.New("copyreg.__newobj__ wants a class")
	}
	return r.instantiate(args[0], &Tuple{Items: args[1:]}, nil)
}

// encodeLatin1 is encode(text, 'latin1'), by which protocols 0 to 2 write bytes.
func (r *reader) encodeLatin1(args []any) error {
	if len(args) != 2 || args[1] != any("latin1") && args[1] != any("latin-1") {
		return errors.New("_codecs.encode is only supported for latin1")
	}
	text, ok := args[0].(string)
	if !ok {
		return fmt.Errorf("cannot encode %s", Kind(args[0]))
	}
	if err := r.opt.Budget.Take(2*sizeValue + len(text)); err != nil {
		return err
	}
	b := make([]byte, 0, len(text))
	for _, c := range text {
		if c > 0xff {
			return fmt.Errorf("%q is not in Latin-1", c)
		}
		b = append(b, byte(c))
	}
	return r.push(b)
}

// bytesCall is bytes(), which protocols 0 to 2 write for empty bytes, or bytearray(b).
func (r *reader) bytesCall(args []any) error {
	if len(args) == 0 {
		return r.pushNew([]byte{}, 2*sizeValue)
	}
	switch v := args[0].(type) {
	case []byte:
		return r.push(args[0])
	case string: // bytearray(text, 'latin-1')
		return r.encodeLatin1([]any{v, "latin1"})
	}
	return fmt.Errorf("cannot make bytes of %s", Kind(args[0]))
}

// setCall is set([…]), which protocols before 4 write because they have no opcode for sets.
func (r *reader) setCall(args []any) error {
	s := &Set{nest: nest{1}}
	if len(args) == 1 {
		items, ok := args[0].(*List)
		if !ok {
			return fmt.Errorf("cannot make a set of %s", Kind(args[0]))
		}
		if err := r.extend(&s.Items, &s.nest, items.Items); err != nil {
			return err
		}
	}
	return r.pushNew(s, sizeHolder)
}
