package skops

import (
	"errors"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// array returns an array or a numpy scalar. Numbers are in a file of the archive, objects in
// a list.
func (r *reader) array(n object, depth int) (any, error) {
	switch kind := n.text("type"); kind {
	case "json":
		return r.objects(n, depth)
	case "numpy":
	default:
		return nil, fmt.Errorf("an array in a %.20q is not supported", kind)
	}
	name := n.text("file")
	a, ok := r.arrays[name]
	if !ok {
		file, err := r.unpack(name)
		if err == nil {
			a, err = numpy.ReadNPY(file)
		}
		if err != nil {
			return nil, fmt.Errorf("%.60q: %w", name, err)
		}
		r.arrays[name] = a
	}
	if n.text("__class__") != "ndarray" && n.text("__class__") != "memmap" {
		if a.Len() != 1 {
			return nil, fmt.Errorf("a numpy %.20s of %d elements", n.text("__class__"), a.Len())
		}
		items, err := a.Items(r.Budget)
		if err != nil {
			return nil, err
		}
		return items[0], nil
	}
	return a, nil
}

// sparse returns a sparse matrix of SciPy, with the attributes that it has in a pickle. Its
// arrays are in a file of scipy.sparse.save_npz, which is a zip file inside the archive.
func (r *reader) sparse(n object, _ int) (any, error) {
	v, err := r.instanceOf(classOf(n))
	o, allowed := v.(*pickle.Object)
	if err != nil || !allowed {
		return v, err
	}
	name := n.text("file")
	arrays, err := r.npz(name, "shape", "indptr", "indices", "data")
	if err != nil {
		return nil, fmt.Errorf("%.60q: %w", name, err)
	}
	state := &pickle.Dict{}
	for _, name := range []string{"indptr", "indices", "data"} {
		if a := arrays[name]; a != nil {
			state.Entries = append(state.Entries, pickle.Entry{Key: name, Value: a})
		}
	}
	if shape := arrays["shape"]; shape != nil && shape.Len() == 2 {
		dims, err := shape.Items(r.Budget)
		if err != nil {
			return nil, err
		}
		state.Entries = append(state.Entries, pickle.Entry{Key: "_shape", Value: &pickle.Tuple{Items: dims}})
	}
	o.State = state
	return o, nil
}

// npz returns arrays of a file that numpy.savez wrote, by their names; those that it has.
func (r *reader) npz(name string, names ...string) (map[string]*numpy.Array, error) {
	file, err := r.unpack(name)
	if err != nil {
		return nil, err
	}
	inside, err := archive.Open(file)
	if err != nil {
		return nil, err
	}
	if err := r.Budget.Take(inside.Size()); err != nil {
		return nil, err
	}
	arrays := make(map[string]*numpy.Array)
	for _, name := range names {
		if !inside.Has(name + ".npy") {
			continue
		}
		data, err := inside.Read(name + ".npy")
		if err != nil {
			return nil, err
		}
		if arrays[name], err = numpy.ReadNPY(data); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

func (r *reader) objects(n object, depth int) (any, error) {
	items, err := r.items(n.get("content"), depth)
	if err != nil {
		return nil, err
	}
	dims, err := r.node(n.get("shape"), depth)
	if err != nil {
		return nil, err
	}
	shape, err := numpy.ParseShape(dims)
	if err != nil {
		return nil, err
	}
	a := &numpy.Array{Type: numpy.DType{Kind: 'O', Size: 8}, Shape: shape, Objects: flatten(items, len(shape))}
	if len(a.Objects) != a.Len() {
		return nil, fmt.Errorf("an array of shape %v is given %d objects", shape, len(a.Objects))
	}
	return a, nil
}

// flatten returns the items of nested lists, depth levels deep.
func flatten(items []any, depth int) []any {
	if depth < 2 {
		return items
	}
	var flat []any
	for _, item := range items {
		if l, ok := item.(*pickle.List); ok {
			flat = append(flat, flatten(l.Items, depth-1)...)
		}
	}
	return flat
}

// dtype returns a dtype, which the file has as the dtype of an empty array.
func (r *reader) dtype(n object, depth int) (any, error) {
	v, err := r.node(n.get("content"), depth)
	if err != nil {
		return nil, err
	}
	a, ok := v.(*numpy.Array)
	if !ok {
		return nil, errors.New("a dtype without its array")
	}
	return &pickle.Object{Class: pickle.Global{Module: "numpy", Name: "dtype"}, Args: []any{a.Type.String()}}, nil
}
