package numpy

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Floats returns the elements in row-major order, whatever their order in the file. They must
// be numbers, or objects that are numbers. The memory is taken from the budget.
func (a *Array) Floats(budget *pickle.Budget) ([]float64, error) {
	if err := budget.Take(8 * a.Len()); err != nil {
		return nil, err
	}
	dst := make([]float64, a.Len())
	if a.Type.Kind == 'O' {
		return dst, a.objectFloats(dst)
	}
	if _, ok := a.Type.float(make([]byte, 8)); !ok {
		return nil, fmt.Errorf("an array of %v where numbers are wanted", a.Type)
	}
	for i := range dst {
		dst[a.position(i)], _ = a.Type.float(a.Data[i*a.Type.Size:])
	}
	return dst, nil
}

func (a *Array) objectFloats(dst []float64) error {
	for i, v := range a.Objects {
		f, err := Float(v)
		if err != nil {
			return err
		}
		dst[i] = f
	}
	return nil
}

// position returns the position of element i of the data in row-major order.
func (a *Array) position(i int) int {
	if !a.Fortran || len(a.Shape) < 2 {
		return i
	}
	p, stride := 0, a.Len()
	for _, d := range a.Shape { // the first index varies fastest
		stride /= d
		p += i % d * stride
		i /= d
	}
	return p
}

// Ints returns the elements in row-major order. They must be integers or bools. The memory is
// taken from the budget.
func (a *Array) Ints(budget *pickle.Budget) ([]int64, error) {
	if a.Type.Kind != 'i' && a.Type.Kind != 'u' && a.Type.Kind != 'b' {
		return nil, fmt.Errorf("an array of %v where integers are wanted", a.Type)
	}
	if err := budget.Take(8 * a.Len()); err != nil {
		return nil, err
	}
	dst := make([]int64, a.Len())
	for i := range dst {
		b := a.Data[i*a.Type.Size:]
		if a.Type.Kind == 'i' {
			dst[a.position(i)] = a.Type.signed(b)
		} else {
			dst[a.position(i)] = int64(a.Type.bits(b))
		}
	}
	return dst, nil
}

// Strings returns the elements in row-major order. They must be strings. The memory is taken
// from the budget.
func (a *Array) Strings(budget *pickle.Budget) ([]string, error) {
	if err := budget.Take(16*a.Len() + len(a.Data)); err != nil {
		return nil, err
	}
	dst := make([]string, a.Len())
	for i := range dst {
		var v any
		if a.Type.Kind == 'O' {
			v = a.Objects[i]
		} else {
			v = a.at(i)
		}
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("an array of %v where strings are wanted", a.Type)
		}
		dst[a.position(i)] = s
	}
	return dst, nil
}

// Items returns the elements as Go values in row-major order: bool, int64, float64, string, or
// the objects. The memory is taken from the budget.
func (a *Array) Items(budget *pickle.Budget) ([]any, error) {
	if a.Type.Kind == 'O' {
		return a.Objects, nil
	}
	if err := budget.Take(32 * a.Len()); err != nil {
		return nil, err
	}
	items := make([]any, a.Len())
	for i := range items {
		items[a.position(i)] = a.at(i)
	}
	return items, nil
}

// FieldReader reads one field of the records of an array.
type FieldReader struct {
	array *Array
	field Field
}

// Field returns the reader of a field. It returns an error unless the field has numbers.
func (a *Array) Field(name string) (FieldReader, error) {
	for _, f := range a.Type.Fields {
		if f.Name == name && (f.Type.Kind == 'i' || f.Type.Kind == 'u' || f.Type.Kind == 'f') {
			return FieldReader{a, f}, nil
		}
	}
	return FieldReader{}, fmt.Errorf("the records have no numbers called %q", name)
}

// Float returns the number in record i.
func (r FieldReader) Float(i int) float64 {
	f, _ := r.field.Type.float(r.array.Data[i*r.array.Type.Size+r.field.Offset:])
	return f
}

// Float converts v to a number. V is a float64, int64, bool or numpy scalar.
func Float(v any) (float64, error) {
	v, err := Scalar(v)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	}
	return 0, fmt.Errorf("%s where a number is wanted", pickle.Kind(v))
}

// Int converts v to an integer. V is an int64 or a numpy scalar.
func Int(v any) (int, error) {
	v, err := Scalar(v)
	if err != nil {
		return 0, err
	}
	if n, ok := v.(int64); ok {
		return int(n), nil
	}
	return 0, fmt.Errorf("%s where an integer is wanted", pickle.Kind(v))
}
