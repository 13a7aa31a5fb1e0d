package skops

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

func classOf(n object) pickle.Global {
	return pickle.Global{Module: n.text("__module__"), Name: n.text("__class__")}
}

func (r *reader) name(n object, _ int) (any, error) { return classOf(n), nil }

// function returns the name of a function. Protocol 0 has it in the content of the node.
func (r *reader) function(n object, _ int) (any, error) {
	if content, ok := n.get("content").(object); ok {
		return pickle.Global{Module: content.text("module_path"), Name: content.text("function")}, nil
	}
	return classOf(n), nil
}

// instance returns an object of the node's class, or a [pickle.Refused] if the class is not
// allowed.
func (r *reader) instance(n object, args []any, state any) (any, error) {
	class := classOf(n)
	if r.Allow == nil || !r.Allow(class) {
		return &pickle.Refused{Global: class}, nil
	}
	if class.Module == "builtins" || class.Module == "numpy" {
		return nil, fmt.Errorf("an object of %v in a form that skops does not write", class)
	}
	// A pickle has a search tree of scikit-learn as a call of newObj with its class.
	if strings.HasPrefix(class.Name, "KDTree") || strings.HasPrefix(class.Name, "BallTree") {
		args, class.Name = []any{class}, "newObj"
	}
	return &pickle.Object{Class: class, Args: args, State: state}, r.Budget.Take(sizeObject)
}

func (r *reader) object(n object, depth int) (state any, err error) {
	if content := n.get("content"); content != nil {
		if state, err = r.node(content, depth); err != nil {
			return nil, err
		}
	}
	return r.instance(n, nil, state)
}

// reduced returns an object of a Cython class, for which skops writes the result of
// __reduce__.
func (r *reader) reduced(n object, depth int) (any, error) {
	reduce, _ := n.get("__reduce__").(object)
	args, err := r.arguments(reduce.get("args"), depth)
	if err != nil {
		return nil, err
	}
	state, err := r.node(n.get("content"), depth)
	if err != nil {
		return nil, err
	}
	return r.instance(n, args, state)
}

func (r *reader) constructed(n object, depth int) (any, error) {
	args, err := r.arguments(n.get("content"), depth)
	if err != nil {
		return nil, err
	}
	return r.instance(n, args, nil)
}

// arguments returns the items of a node that must be a tuple.
func (r *reader) arguments(node any, depth int) ([]any, error) {
	v, err := r.node(node, depth)
	if err != nil {
		return nil, err
	}
	tuple, _ := v.(*pickle.Tuple)
	if tuple == nil {
		return nil, errors.New("an object whose arguments are no tuple")
	}
	return tuple.Items, nil
}

func (r *reader) hollow(n object, _ int) (any, error) { return r.instanceOf(classOf(n)) }

// instanceOf returns an object that has only a class, or a [pickle.Refused] if the class is
// not allowed.
func (r *reader) instanceOf(class pickle.Global) (any, error) {
	if r.Allow == nil || !r.Allow(class) {
		return &pickle.Refused{Global: class}, nil
	}
	return &pickle.Object{Class: class}, r.Budget.Take(sizeObject)
}
