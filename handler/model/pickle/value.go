package pickle

// Global is a class or function, by its module and (qualified) name. Python
// 2's module names are given as Python 3's.
type Global struct{ Module, Name string }

// String returns module.name.
func (g Global) String() string { return g.Module + "." + g.Name }

// nest is how many containers are inside one another, this one included.
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

// Get returns the value of a key that is a string.
func (d *Dict) Get(key string) (any, bool) {
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if k, ok := d.Entries[i].Key.(string); ok && k == key {
			return d.Entries[i].Value, true
		}
	}
	return nil, false
}

// Object is the inert result of what Python would do by calling Class with
// Args and Kwargs, restoring State, appending List and setting Entries.
type Object struct {
	Class   Global
	Args    []any
	Kwargs  *Dict // nil if there are none
	State   any   // what BUILD gave; nil if nothing
	List    []any
	Entries []Entry
	nest
	built bool
}

// Attr returns an attribute out of the object's state, which is a dict, or a
// pair of dicts where the class has slots.
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

// Refused stands for whatever came of a name that is not allowed.
type Refused struct {
	Global
	Offset int   // where the name was met
	Args   []any // what it was first called with
}

// levelOf returns how deep v is nested: 0 for what contains nothing.
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

// Items returns the elements of a list or tuple, nil if v is neither.
func Items(v any) []any {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Tuple:
		return v.Items
	}
	return nil
}
