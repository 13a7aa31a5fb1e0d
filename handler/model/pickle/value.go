package pickle

// Global is the name of a class or function. The modules of Python 2 have their names in
// Python 3.
type Global struct{ Module, Name string }

// String returns module.name.
func (g Global) String() string { return g.Module + "." + g.Name }

// nest is the depth of a container: the number of containers inside one another, including
// this one.
type nest struct{ level int }

// Tuple is a Python tuple.
type Tuple struct {
	Items []any
	nest
}

// List is a Python list.
type List struct {
	Items []any
	nest
}

// Set is a Python set or frozenset, in the order of the pickle.
type Set struct {
	Items []any
	nest
}

// Entry is a key and value of a [Dict].
type Entry struct{ Key, Value any }

// Dict is a Python dict, in the order of the pickle. A key that occurs more
// than once has, as in Python, its last value.
type Dict struct {
	Entries []Entry
	nest
}

// Get returns the value of a string key, and false if there is none.
func (d *Dict) Get(key string) (any, bool) {
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if k, ok := d.Entries[i].Key.(string); ok && k == key {
			return d.Entries[i].Value, true
		}
	}
	return nil, false
}

// Object says how Python would make an object: call Class with Args and Kwargs, set the
// state, append the items of List, and set Entries.
type Object struct {
	Class   Global
	Args    []any
	Kwargs  *Dict // or nil
	State   any   // the argument of BUILD, or nil
	List    []any
	Entries []Entry
	nest
	built bool
}

// Attr returns an attribute from the object's state, and false if there is none. The state is
// a dict, or a pair of dicts if the class has slots.
func (o *Object) Attr(name string) (any, bool) {
	switch state := o.State.(type) {
	case *Dict:
		return state.Get(name)
	case *Tuple:
		for _, part := range state.Items {
			if d, ok := part.(*Dict); ok {
				if v, ok := d.Get(name); ok {
					return v, true
				}
			}
		}
	}
	return nil, false
}

// Refused is the result of a call of a name that is not allowed.
type Refused struct {
	Global
	Offset int   // of the call, in the data
	Args   []any // of the call
}

// levelOf returns the depth of a container, or 0 for other values.
func levelOf(v any) int {
	switch v := v.(type) {
	case *Tuple:
		return v.level
	case *List:
		return v.level
	case *Dict:
		return v.level
	case *Object:
		return v.level
	case *Set:
		return v.level
	}
	return 0
}

// Items returns the elements of a list or tuple, or nil for other values.
func Items(v any) []any {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Tuple:
		return v.Items
	}
	return nil
}
