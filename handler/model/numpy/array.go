package numpy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Array is a numpy array whose elements are not decoded yet.
type Array struct {
	Type    DType
	Shape   []int
	Fortran bool   // the first index varies fastest
	Data    []byte // Len elements of Type.Size bytes, unless Type.Kind is 'O'
	Objects []any  // the elements in row-major order, if Type.Kind is 'O'
}

// Len returns the number of elements.
func (a *Array) Len() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// maxDims is the largest number of dimensions in numpy.
const maxDims = 64

// ParseShape returns the shape in a pickled integer or tuple of integers. It returns an error
// unless the product of the dimensions is below 2³¹.
func ParseShape(v any) ([]int, error) {
	var dims []any
	switch v := v.(type) {
	case *pickle.Tuple:
		dims = v.Items
	case int64:
		dims = []any{v}
	default:
		return nil, errors.New("an array without its shape")
	}
	if len(dims) > maxDims {
		return nil, fmt.Errorf("an array of %d dimensions: numpy has at most %d", len(dims), maxDims)
	}
	shape, n := make([]int, len(dims)), int64(1)
	for i, d := range dims {
		size, ok := d.(int64)
		if !ok || size < 0 || size > 1<<31-1 {
			return nil, fmt.Errorf("%v is no dimension of an array", d)
		}
		if n *= max(size, 1); n > 1<<31-1 {
			return nil, fmt.Errorf("%w: an array of over 2147483647 elements", pickle.ErrLimit)
		}
		shape[i] = int(size)
	}
	return shape, nil
}

// New returns an array. It returns an error if data has a wrong length for the type and the
// shape.
func New(t DType, shape []int, fortran bool, data []byte) (Array, error) {
	a := Array{Type: t, Shape: shape, Fortran: fortran, Data: data}
	if t.Kind == 'O' {
		return Array{}, errors.New("an array of objects without objects")
	}
	if want := a.Len() * t.Size; len(data) != want {
		return Array{}, fmt.Errorf("an array of %v %v takes %d bytes, there are %d", t, shape, want, len(data))
	}
	return a, nil
}

// IsArray reports whether an object is a pickled array.
func IsArray(o *pickle.Object) bool {
	name := function(o.Class)
	return name == "_reconstruct" || name == "_frombuffer" || name == "_create_array"
}

// IsFunction reports whether an object is a ufunc in the form that numpy before 1.20 pickled.
// Its arguments are the module and the name.
func IsFunction(o *pickle.Object) bool { return function(o.Class) == "_ufunc_reconstruct" }

// function returns the name of a function that pickled arrays, scalars and ufuncs call: those
// of numpy 1 and 2, and dill's. It returns "" for other names.
func function(g pickle.Global) string {
	switch g.Module {
	case "numpy.core.multiarray", "numpy._core.multiarray":
		if g.Name == "_reconstruct" || g.Name == "scalar" {
			return g.Name
		}
	case "numpy.core.numeric", "numpy._core.numeric":
		if g.Name == "_frombuffer" {
			return g.Name
		}
	case "numpy.core":
		if g.Name == "_ufunc_reconstruct" {
			return g.Name
		}
	case "dill._dill":
		if g.Name == "_create_array" {
			return g.Name
		}
	}
	return ""
}

// Known reports whether a name occurs in pickled arrays, types, scalars and ufuncs of numpy.
func Known(g pickle.Global) bool { return function(g) != "" || g == dtypeName || plain(g) }

// plain reports whether a class is ndarray or memmap, which has no other data than an array.
// joblib.load with mmap_mode returns a memmap.
func plain(g pickle.Global) bool {
	switch g.Module {
	case "numpy":
		return g.Name == "ndarray" || g.Name == "memmap"
	case "numpy.core.memmap", "numpy._core.memmap":
		return g.Name == "memmap"
	}
	return false
}

// Parse returns the array of a pickled value, which may be an *Array or the object of a
// pickled array.
func Parse(v any) (Array, error) {
	switch v := v.(type) {
	case *Array:
		return *v, nil
	case *pickle.Object:
		switch function(v.Class) {
		case "_reconstruct":
			return reconstruct(v.Args, v.State)
		case "_frombuffer":
			return fromBuffer(v)
		case "_create_array":
			return create(v.Args)
		}
		return Array{}, fmt.Errorf("%v is no numpy array", v.Class)
	case *pickle.Refused:
		return Array{}, fmt.Errorf("%v is no numpy array", v.Global)
	}
	return Array{}, fmt.Errorf("%s is no numpy array", pickle.Kind(v))
}

// reconstruct returns the array of a call _reconstruct(class, (0,), b'b') with the state
// (version, shape, dtype, fortran, data).
func reconstruct(args []any, v any) (Array, error) {
	state, ok := v.(*pickle.Tuple)
	if !ok || len(state.Items) != 5 {
		return Array{}, errors.New("an array without its state")
	}
	if class, ok := first(args).(pickle.Global); !ok || !plain(class) {
		return Array{}, errors.New("subclasses of numpy.ndarray are not supported")
	}
	fortran, _ := state.Items[3].(bool)
	return build(state.Items[2], state.Items[1], fortran, state.Items[4])
}

// create returns the array of dill's call _create_array(_reconstruct, arguments, state, None).
func create(args []any) (Array, error) {
	if len(args) < 3 {
		return Array{}, errors.New("an array without its state")
	}
	f, _ := args[0].(pickle.Global)
	inner, ok := args[1].(*pickle.Tuple)
	if function(f) != "_reconstruct" || !ok {
		return Array{}, errors.New("an array in a form of dill that is not supported")
	}
	return reconstruct(inner.Items, args[2])
}

func first(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

// fromBuffer returns the array of a call _frombuffer(data, dtype, shape, order). Since numpy
// 2.3 there is a fifth argument, axis_order.
func fromBuffer(o *pickle.Object) (Array, error) {
	if len(o.Args) < 4 {
		return Array{}, errors.New("an array without its order")
	}
	if len(o.Args) > 4 && o.Args[3] == any("K") {
		return Array{}, errors.New("arrays in an order other than C and Fortran are not supported")
	}
	return build(o.Args[1], o.Args[2], o.Args[3] == any("F"), o.Args[0])
}

func build(dtype, dims any, fortran bool, data any) (Array, error) {
	t, err := ParseDType(dtype)
	if err != nil {
		return Array{}, err
	}
	shape, err := ParseShape(dims)
	if err != nil {
		return Array{}, err
	}
	switch data := data.(type) {
	case []byte:
		return New(t, shape, fortran, data)
	case string: // written by Python 2
		raw := make([]byte, 0, len(data))
		for _, c := range data {
			raw = append(raw, byte(c))
		}
		return New(t, shape, fortran, raw)
	case *pickle.List:
		// Objects are listed row by row, whatever the order (_getlist_pkl in numpy's methods.c).
		a := Array{Type: t, Shape: shape, Objects: data.Items}
		if t.Kind != 'O' || len(data.Items) != a.Len() {
			return Array{}, fmt.Errorf("an array of %v %v is given %d objects", t, shape, len(data.Items))
		}
		return a, nil
	}
	return Array{}, fmt.Errorf("array data that is %s", pickle.Kind(data))
}

// Equal reports whether the array has that shape.
func (a *Array) Equal(shape ...int) bool { return slices.Equal(a.Shape, shape) }
