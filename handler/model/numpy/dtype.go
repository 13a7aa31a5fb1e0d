package numpy

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// DType is the type of an array's elements.
type DType struct {
	Kind   byte // 'b', 'i', 'u', 'f', 'U', 'S', 'O', or 'V' of a record
	Size   int  // bytes of an element
	Big    bool // big-endian
	Fields []Field
}

// Field is a part of a record.
type Field struct {
	Name   string
	Offset int
	Type   DType
}

// String returns numpy's short name, f8 for instance.
func (t DType) String() string {
	size := t.Size
	if t.Kind == 'U' {
		size /= bytesOfChar
	}
	return string(t.Kind) + strconv.Itoa(size)
}

// bytesOfChar is the size of a character of a string in an array. Numpy's type codes count
// characters.
const bytesOfChar = 4

// ParseDType returns the type of a pickled numpy.dtype: a call dtype('f8', …) with the state
// (version, byte order, subarray, names, fields, size, alignment, flags).
func ParseDType(v any) (DType, error) {
	o, ok := v.(*pickle.Object)
	if !ok || o.Class != dtypeName || len(o.Args) == 0 {
		return DType{}, errors.New("no numpy dtype")
	}
	code, ok := o.Args[0].(string)
	if !ok || len(code) < 2 {
		return DType{}, fmt.Errorf("no numpy dtype: %v", o.Args[0])
	}
	size, err := strconv.Atoi(code[1:])
	if err != nil || size < 0 || size > 1<<20 {
		return DType{}, fmt.Errorf("dtype %.20q is not supported", code)
	}
	t := DType{Kind: code[0], Size: size}
	if t.Kind == 'U' {
		t.Size *= bytesOfChar
	}
	if state, ok := o.State.(*pickle.Tuple); ok {
		if err := t.restore(state.Items); err != nil {
			return DType{}, err
		}
	}
	return t, t.check()
}

var dtypeName = pickle.Global{Module: "numpy", Name: "dtype"}

func (t *DType) restore(state []any) error {
	if len(state) < 5 {
		return errors.New("a numpy dtype without its state")
	}
	t.Big = state[1] == any(">")
	if state[2] != nil {
		return errors.New("a numpy dtype of arrays is not supported")
	}
	if t.Kind != 'V' {
		return nil
	}
	names, ok1 := state[3].(*pickle.Tuple)
	fields, ok2 := state[4].(*pickle.Dict)
	if !ok1 || !ok2 {
		return nil
	}
	for _, name := range names.Items {
		f, err := t.field(name, fields)
		if err != nil {
			return err
		}
		t.Fields = append(t.Fields, f)
	}
	return nil
}

func (t *DType) field(name any, fields *pickle.Dict) (Field, error) {
	key, _ := name.(string)
	v, ok := fields.Get(key)
	at, ok2 := v.(*pickle.Tuple)
	if !ok || !ok2 || len(at.Items) < 2 {
		return Field{}, fmt.Errorf("field %.40q of a numpy record is not described", key)
	}
	if inner, ok := at.Items[0].(*pickle.Object); ok && len(inner.Args) > 0 {
		if code, ok := inner.Args[0].(string); ok && len(code) > 0 && code[0] == 'V' {
			return Field{}, errors.New("numpy records inside records are not supported")
		}
	}
	typ, err := ParseDType(at.Items[0])
	if err != nil {
		return Field{}, err
	}
	offset, ok := at.Items[1].(int64)
	if !ok || offset < 0 || offset+int64(typ.Size) > int64(t.Size) {
		return Field{}, fmt.Errorf("field %.40q is outside of its record of %d bytes", key, t.Size)
	}
	return Field{key, int(offset), typ}, nil
}

func (t DType) check() error {
	switch t.Kind {
	case 'V':
		if len(t.Fields) > 0 && t.Size > 0 {
			return nil
		}
	case 'U':
		if t.Size%bytesOfChar == 0 {
			return nil
		}
	case 'S':
		return nil
	case 'b':
		if t.Size == 1 {
			return nil
		}
	case 'i', 'u', 'f':
		if t.Size == 2 || t.Size == 4 || t.Size == 8 || t.Size == 1 && t.Kind != 'f' {
			return nil
		}
	case 'O':
		if t.Size == 8 {
			return nil
		}
	}
	return fmt.Errorf("dtype %v is not supported", t)
}
