package skops

import (
	"errors"
	"fmt"

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
