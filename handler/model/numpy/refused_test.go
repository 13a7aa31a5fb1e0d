package numpy_test

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// npy returns an .npy file with this header and data.
func npy(header, data string) []byte {
	return []byte("\x93NUMPY\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header + data)
}

// TestNPYHeaders checks headers of .npy files, which are dicts of Python.
func TestNPYHeaders(t *testing.T) {
	t.Parallel()
	const order = "'fortran_order': False, "
	deep := func(n int) string { return strings.Repeat("(", n) + strings.Repeat(")", n) }
	for _, c := range []struct{ header, data, want string }{
		{"{'descr': '|i1', " + order + "'shape': (2,), }          \n", "ab", ""},
		{`{"descr":"|i1",` + order + `"shape":(2L,)}`, "ab", ""},
		{"{'descr': '|i1', " + order + "'shape': 2}", "ab", ""},
		{"{'descr': '|i1', " + order + "'shape': (2)}", "ab", ""},
		{"{'descr': '|i1', 'fortran_order': True, 'shape': (2, 1), 'more': [True, [], {}, -1]}", "ab", ""},
		{"{'more': " + deep(7) + ", 'descr': '|i1', 'shape': (2,)}", "ab", ""},
		{"{'more': " + deep(8) + ", 'descr': '|i1', 'shape': (2,)}", "ab", "nested over 8 deep"},
		{"{'a': " + strings.Repeat("{1: ", 8) + "2" + strings.Repeat("}", 9), "", "nested over 8 deep"},
		{"{'a': (), 'b': (), 'c': (), 'd': (), 'e': (), 'f': (), 'g': (), 'h': {}, 'i': {}, 'j': {}, 'k': {}, 'l': {}, 'm': {}, 'n': {}, 'o': {}, 'descr': '|i1', 'shape': (2,)}", "ab", ""},
		{"  ", "", `of an .npy file: "" is not expected`},
		{"[]", "", "of an .npy file is no dict"},
		{"{'descr': '|i1'} 1", "", `"1" follows`},
		{"{'descr': '|i1'", "", `a comma is missing before ""`},
		{"{'descr' '|i1'}", "", "a key without its value"},
		{"{'descr': '|i1}", "", "a string without its end"},
		{`{'descr': '\x41'}`, "", "a string without its end"},
		{"{'descr': '|i1' 'shape': 1}", "", `a comma is missing before "'shape': 1}"`},
		{"{'descr': None}", "", `"None" is not expected`},
		{"{'shape': (1,)}", "", "an .npy file without its dtype"},
		{"{'descr': '|i1'}", "", "an array without its shape"},
		{"{'descr': '|i1', 'shape': [1]}", "a", "an array without its shape"},
		{"{'descr': '|i1', 'shape': (-1,)}", "", "-1 is no dimension of an array"},
		{"{'descr': '|i1', 'shape': (True,)}", "a", "true is no dimension of an array"},
		{"{'descr': '|i1', 'shape': (2147483648,)}", "", "2147483648 is no dimension"},
		{"{'descr': '|i1', 'shape': (65536, 32768)}", "", "an array of over 2147483647 elements"},
		{"{'descr': '|i1', 'shape': (0, 65536, 65536)}", "", "an array of over 2147483647 elements"},
		{"{'descr': '|i1', 'shape': (" + strings.Repeat("1,", 64) + ")}", "a", ""},
		{"{'descr': '|i1', 'shape': (" + strings.Repeat("1,", 65) + ")}", "a", "an array of 65 dimensions: numpy has at most 64"},
		{"{'descr': '|i1', 'shape': (2,)}", "a", "an array of i1 [2] takes 2 bytes, there are 1"},
		{"{'descr': '|O', 'shape': (2,)}", "a", `dtype "|O" is not supported`},
		{"{'descr': '|O8', 'shape': (2,)}", "a", "an .npy file of Python objects is not supported"},
		{"{'descr': 'i1', 'shape': (2,)}", "ab", `dtype "i1" is not supported`},
		{"{'descr': '<i3', 'shape': (2,)}", "", "dtype i3 is not supported"},
		{"{'descr': '<f1', 'shape': (2,)}", "", "dtype f1 is not supported"},
		{"{'descr': '<f16', 'shape': (2,)}", "", "dtype f16 is not supported"},
		{"{'descr': '<b2', 'shape': (2,)}", "", "dtype b2 is not supported"},
		{"{'descr': '<c8', 'shape': (2,)}", "", "dtype c8 is not supported"},
		{"{'descr': '<ix', 'shape': (2,)}", "", `dtype "<ix" is not supported`},
		{"{'descr': '|S-1', 'shape': (2,)}", "", `dtype "|S-1" is not supported`},
		{"{'descr': '|S1048577', 'shape': (0,)}", "", `dtype "|S1048577" is not supported`},
		{"{'descr': '|S1048576', 'shape': (0,)}", "", ""},
		{"{'descr': '|S0', 'shape': (3,)}", "", ""},
		{"{'descr': [('a', '<i2'), ('', '|V1'), ('b', '|u1')], 'shape': (1,)}", "abcd", ""},
		{"{'descr': [('a', '<i2'), ('c', '|V1')], 'shape': (1,)}", "abc", "dtype V1 is not supported"},
		{"{'descr': [('', '|V1')], 'shape': (1,)}", "a", "dtype V1 is not supported"},
		{"{'descr': [], 'shape': (1,)}", "", "dtype V0 is not supported"},
		{"{'descr': [('a', '<i2', (2,))], 'shape': (1,)}", "", "arrays inside a numpy record are not supported"},
		{"{'descr': [('a', [('b', '<i2')])], 'shape': (1,)}", "", "numpy records inside records are not supported"},
		{"{'descr': [(1, '<i2')], 'shape': (1,)}", "", "numpy records inside records are not supported"},
	} {
		a, err := numpy.ReadNPY(npy(c.header, c.data))
		if c.want == "" && (err != nil || len(a.Data) != len(c.data)) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.header, err, c.want)
		}
	}
	for data, want := range map[string]string{
		"":                                           "this is no .npy file",
		"\x93NUMPY\x01\x00\x00":                      "this is no .npy file",
		"\x94NUMPY\x01\x00\x00\x00{":                 "this is no .npy file",
		"\x93NUMPY\x04\x00\x00\x00\x00\x00":          "version 4 of .npy files is not supported",
		"\x93NUMPY\x00\x00\x00\x00\x00\x00":          "version 0 of .npy files",
		"\x93NUMPY\x01\x00\x03\x00ab":                "of an .npy file claims 3 bytes",
		"\x93NUMPY\x02\x00\xff\xff\xff\xff":          "of an .npy file claims 4294967295 bytes",
		string(npy(strings.Repeat(" ", 10_001), "")): "of an .npy file claims 10001 bytes",
		string(npy(strings.Repeat(" ", 9_967)+"{'descr': '|i1', 'shape': (2,)} ", "ab")): "",
		"\x93NUMPY\x03\x00\x1f\x00\x00\x00{'descr': '|i1', 'shape': (2,)}ab":             "",
		"\x93NUMPY\x02\x00\x1f\x00\x00\x00{'descr': '|i1', 'shape': (2,)}abc":            "takes 2 bytes, there are 3",
		"\x93NUMPY\x02\x00\x1f\x00\x01\x00{'descr': '|i1', 'shape': (2,)}ab":             "claims 65567 bytes",
	} {
		if _, err := numpy.ReadNPY([]byte(data)); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: got %v, want %q", data, err, want)
		}
	}
}

// TestRefusedPickles checks the errors for arrays that numpy does not pickle in this way.
func TestRefusedPickles(t *testing.T) {
	t.Parallel()
	object := func(module, name string, state any, args ...any) *pickle.Object {
		return &pickle.Object{Class: pickle.Global{Module: module, Name: name}, Args: args, State: state}
	}
	tuple := func(items ...any) *pickle.Tuple { return &pickle.Tuple{Items: items} }
	list := func(items ...any) *pickle.List { return &pickle.List{Items: items} }
	array, other := pickle.Global{Module: "numpy", Name: "ndarray"}, pickle.Global{Module: "numpy", Name: "matrix"}
	reconstruct := func(class any, state any) *pickle.Object {
		return object("numpy._core.multiarray", "_reconstruct", state, class, tuple(int64(0)), []byte("b"))
	}
	state := func(dims, data any) *pickle.Tuple { return tuple(int64(1), dims, dtype("i1", "|"), false, data) }
	buffer := func(args ...any) *pickle.Object { return object("numpy._core.numeric", "_frombuffer", nil, args...) }
	dill := func(args ...any) *pickle.Object { return object("dill._dill", "_create_array", nil, args...) }
	function := pickle.Global{Module: "numpy.core.multiarray", Name: "_reconstruct"}
	record := func(fields *pickle.Dict, size int) *pickle.Object {
		o := dtype("V"+strconv.Itoa(size), "|")
		o.State.(*pickle.Tuple).Items[3], o.State.(*pickle.Tuple).Items[4] = tuple("a"), fields
		return o
	}
	entry := func(key string, value any) *pickle.Dict {
		return &pickle.Dict{Entries: []pickle.Entry{{Key: key, Value: value}}}
	}
	for _, c := range []struct {
		name, want string
		value      any
	}{
		{"array", "", reconstruct(array, state(tuple(int64(2)), []byte("ab")))},
		{"an array of Python 2", "", reconstruct(array, state(tuple(int64(2)), "aü"))},
		{"a memmap", "", reconstruct(pickle.Global{Module: "numpy.core.memmap", Name: "memmap"}, state(tuple(int64(2)), []byte("ab")))},
		{"an array of dill", "", dill(function, tuple(array), state(tuple(int64(2)), []byte("ab")), nil)},
		{"buffer", "", buffer([]byte("ab"), dtype("i1", "|"), tuple(int64(2)), "C")},
		{"buffer with five arguments", "", buffer([]byte("ab"), dtype("i1", "|"), tuple(int64(2)), "F", nil)},
		{"nothing", "None is no numpy array", nil},
		{"scalar", "numpy.core.multiarray.scalar is no numpy array", object("numpy.core.multiarray", "scalar", nil)},
		{"refused", "numpy.matrix is no numpy array", &pickle.Refused{Global: other}},
		{"no state", "an array without its state", reconstruct(array, nil)},
		{"short state", "an array without its state", reconstruct(array, tuple(int64(1)))},
		{"subclass", "subclasses of numpy.ndarray are not supported", reconstruct(other, state(tuple(int64(2)), []byte("ab")))},
		{"no class", "subclasses of numpy.ndarray are not supported", object("numpy.core.multiarray", "_reconstruct", state(tuple(int64(2)), []byte("ab")))},
		{"no shape", "an array without its shape", reconstruct(array, state(nil, []byte("ab")))},
		{"data too short", "an array of i1 [2] takes 2 bytes, there are 1", reconstruct(array, state(tuple(int64(2)), []byte("a")))},
		{"data of another kind", "array data that is None", reconstruct(array, state(tuple(int64(2)), nil))},
		{"objects of integers", "an array of i1 [2] is given 2 objects", reconstruct(array, state(tuple(int64(2)), list(nil, nil)))},
		{"objects too few", "an array of O8 [2] is given 1 objects", reconstruct(array, tuple(int64(1), tuple(int64(2)), dtype("O8", "|"), false, list(nil)))},
		{"objects in bytes", "an array of objects without objects", reconstruct(array, tuple(int64(1), tuple(int64(2)), dtype("O8", "|"), false, make([]byte, 16)))},
		{"dill without state", "an array without its state", dill(function, tuple(array))},
		{"dill of another function", "an array", dill(other, tuple(array), state(tuple(int64(2)), []byte("ab")))},
		{"dill without arguments", "an array", dill(function, nil, state(tuple(int64(2)), []byte("ab")))},
		{"buffer without order", "an array without its order", buffer([]byte("ab"), dtype("i1", "|"), tuple(int64(2)))},
		{"buffer in another order", "arrays in an order other than C and Fortran are not supported", buffer([]byte("ab"), dtype("i1", "|"), tuple(int64(2)), "K", tuple(int64(0)))},
		{"no dtype", "no numpy dtype", buffer(nil, nil, nil, nil)},
		{"dtype without code", "no numpy dtype", buffer(nil, object("numpy", "dtype", nil), nil, nil)},
		{"dtype of a number", "no numpy dtype: 8", buffer(nil, object("numpy", "dtype", nil, int64(8)), nil, nil)},
		{"dtype of a letter", "no numpy dtype: f", buffer(nil, object("numpy", "dtype", nil, "f"), nil, nil)},
		{"dtype in words", `dtype "fx" is not supported`, buffer(nil, object("numpy", "dtype", nil, "fx"), nil, nil)},
		{"negative dtype", `dtype "S-1" is not supported`, buffer(nil, object("numpy", "dtype", nil, "S-1"), nil, nil)},
		{"vast dtype", `dtype "S1048577" is not supported`, buffer(nil, object("numpy", "dtype", nil, "S1048577"), nil, nil)},
		{"dates", "dtype M8 is not supported", buffer(nil, dtype("M8", "<"), nil, nil)},
		{"objects of 4 bytes", "dtype O4 is not supported", buffer(nil, dtype("O4", "|"), nil, nil)},
		{"short state of a dtype", "a numpy dtype without its state", buffer(nil, object("numpy", "dtype", tuple(int64(3), "<", nil, nil), "f8"), nil, nil)},
		{"dtype of arrays", "a numpy dtype of arrays is not supported", buffer(nil, object("numpy", "dtype", tuple(int64(3), "|", tuple(), nil, nil), "V8"), nil, nil)},
		{"record without fields", "dtype V8 is not supported", buffer(nil, dtype("V8", "|"), nil, nil)},
		{"field not described", `field "a" of a numpy record is not described`, buffer(nil, record(entry("b", nil), 4), nil, nil)},
		{"field without offset", `field "a" of a numpy record is not described`, buffer(nil, record(entry("a", tuple(dtype("i4", "<"))), 4), nil, nil)},
		{"field outside", `field "a" is outside of its record of 4 bytes`, buffer(nil, record(entry("a", tuple(dtype("i4", "<"), int64(1))), 4), nil, nil)},
		{"field before", `field "a" is outside of its record of 4 bytes`, buffer(nil, record(entry("a", tuple(dtype("i4", "<"), int64(-1))), 4), nil, nil)},
		{"field at a text", `field "a" is outside of its record`, buffer(nil, record(entry("a", tuple(dtype("i4", "<"), "0")), 4), nil, nil)},
		{"field of dates", "dtype M8 is not supported", buffer(nil, record(entry("a", tuple(dtype("M8", "<"), int64(0))), 8), nil, nil)},
		{"records in records", "numpy records inside records are not supported", buffer(nil, record(entry("a", tuple(dtype("V4", "|"), int64(0))), 4), nil, nil)},
		{"field at the end", "", buffer([]byte("abcd"), record(entry("a", tuple(dtype("i2", "<"), int64(2))), 4), tuple(int64(1)), "C")},
	} {
		a, err := numpy.Parse(c.value)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, %v; want %q", c.name, a, err, c.want)
		}
	}
	a, err := numpy.Parse(reconstruct(array, state(tuple(int64(2)), "aü")))
	if got, _ := a.Ints(pickle.NewBudget(0)); err != nil || !slices.Equal(got, []int64{97, -4}) {
		t.Errorf("an array of Python 2: got %v, %v; want 97, -4", got, err)
	}
	scalar := func(args ...any) any { return object("numpy.core.multiarray", "scalar", nil, args...) }
	for _, c := range []struct {
		value any
		want  string
	}{{scalar(dtype("i1", "|")), "a numpy scalar without a value"}, {scalar(dtype("i2", "<"), []byte("a")), "takes 2 bytes, there are 1"}, {scalar(nil, []byte("a")), "no numpy dtype"}} {
		_, err1 := numpy.Int(c.value)
		_, err2 := numpy.Float(c.value)
		for _, err := range []error{err1, err2} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("a malformed scalar: got %v, want %q", err, c.want)
			}
		}
	}
}
