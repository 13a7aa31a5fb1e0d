package numpy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/pickle/pickletest"
)

// golden is an array or scalar that arrays.py in testdata wrote.
type golden struct {
	Pickles [][]byte // by protocol
	NPY     []byte   // its .npy file
	Shape   []int
	Items   []string            // its elements as text, row by row
	Fields  map[string][]string // of records, by name
}

// goldens are those of a version of numpy.
type goldens struct {
	Numpy           string
	Arrays, Scalars map[string]golden
	Records         golden
}

// unpickle reads a pickle.
func unpickle(t *testing.T, data []byte) any {
	t.Helper()
	v, err := pickle.Read(data, pickle.Options{Allow: numpy.Known})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// text returns an element as arrays.py writes it.
func text(v any) string {
	if s, ok := pickletest.Scalar(v); ok {
		return s
	}
	return pickle.Kind(v)
}

func texts[T any](items []T) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = text(item)
	}
	return all
}

// check compares an array with the golden: its elements, and as numbers, integers and
// strings.
func (g golden) check(t *testing.T, a numpy.Array) {
	t.Helper()
	if !a.Equal(g.Shape...) || a.Len() != len(g.Items) {
		t.Fatalf("got %d elements of shape %v, want %v", a.Len(), a.Shape, g.Shape)
	}
	budget := pickle.NewBudget(0)
	if items, err := a.Items(budget); err != nil || !slices.Equal(texts(items), g.Items) {
		t.Errorf("got %v, %v; want %v", texts(items), err, g.Items)
	}
	numbers, integers, strings := len(g.Items) > 0, a.Type.Kind == 'i' || a.Type.Kind == 'u' || a.Type.Kind == 'b', a.Type.Kind == 'U' || a.Type.Kind == 'S'
	for _, item := range g.Items {
		numbers = numbers && item != "None" && item[0] != '"'
	}
	if a.Type.Kind == 'O' {
		strings = !slices.ContainsFunc(g.Items, func(item string) bool { return item[0] != '"' })
	}
	if got, err := a.Floats(budget); numbers {
		want := make([]float64, len(g.Items))
		items, _ := a.Items(budget)
		for i, v := range items {
			f, err := numpy.Float(v)
			if err != nil {
				t.Fatal(err)
			}
			want[i] = f
		}
		if err != nil || !slices.Equal(texts(got), texts(want)) {
			t.Errorf("Floats: got %v, %v; want %v", got, err, want)
		}
	} else if err == nil && len(g.Items) > 0 {
		t.Errorf("Floats of %v: got %v, want an error", g.Items, got)
	}
	if got, err := a.Ints(budget); integers && a.Type.Kind != 'b' {
		if err != nil || !slices.Equal(texts(got), g.Items) {
			t.Errorf("Ints: got %v, %v; want %v", got, err, g.Items)
		}
	} else if !integers && err == nil {
		t.Errorf("Ints of %v: got %v, want an error", g.Items, got)
	}
	if got, err := a.Strings(budget); strings {
		if err != nil || !slices.Equal(texts(got), g.Items) {
			t.Errorf("Strings: got %v, %v; want %v", got, err, g.Items)
		}
	} else if err == nil && len(g.Items) > 0 {
		t.Errorf("Strings of %v: got %v, want an error", g.Items, got)
	}
}

// TestArrays compares arrays of all types and orders with numpy's, from pickles of each
// protocol and from .npy files.
func TestArrays(t *testing.T) {
	t.Parallel()
	for _, all := range goldenfile.ReadAll[goldens](t, "testdata/arrays-*.json.gz", 2) {
		for name, g := range all.Arrays {
			t.Run(all.Numpy+"/"+name, func(t *testing.T) {
				for protocol, data := range g.Pickles {
					v := unpickle(t, data)
					if o, ok := v.(*pickle.Object); !ok || !numpy.IsArray(o) || numpy.IsScalar(o) || numpy.IsFunction(o) {
						t.Fatalf("protocol %d: got %s, want an array", protocol, pickle.Kind(v))
					}
					a, err := numpy.Parse(v)
					if err != nil {
						t.Fatalf("protocol %d: %v", protocol, err)
					}
					g.check(t, a)
				}
				if len(g.NPY) == 0 { // arrays of objects have no file
					return
				}
				a, err := numpy.ReadNPY(g.NPY)
				if err != nil {
					t.Fatal(err)
				}
				g.check(t, *a)
				if again, err := numpy.Parse(a); err != nil || again.Len() != a.Len() {
					t.Errorf("Parse of an array: got %d elements, %v; want %d", again.Len(), err, a.Len())
				}
				for n := range g.NPY {
					if _, err := numpy.ReadNPY(g.NPY[:n]); err == nil {
						t.Fatalf("the first %d of %d bytes were read, want an error", n, len(g.NPY))
					}
				}
				if _, err := numpy.ReadNPY(append(slices.Clone(g.NPY), 0)); err == nil {
					t.Error("a file with a byte too many was read, want an error")
				}
			})
		}
	}
}

// TestScalars checks that numpy's scalars become Go's values.
func TestScalars(t *testing.T) {
	t.Parallel()
	for _, all := range goldenfile.ReadAll[goldens](t, "testdata/arrays-*.json.gz", 2) {
		for name, g := range all.Scalars {
			for protocol, data := range g.Pickles {
				v := unpickle(t, data)
				if o, ok := v.(*pickle.Object); !ok || !numpy.IsScalar(o) || numpy.IsArray(o) {
					t.Fatalf("numpy %s, %s, protocol %d: got %s, want a scalar", all.Numpy, name, protocol, pickle.Kind(v))
				}
				got, err := numpy.Scalar(v)
				if err != nil || text(got) != g.Items[0] {
					t.Errorf("numpy %s, %s, protocol %d: got %v, %v; want %s", all.Numpy, name, protocol, got, err, g.Items[0])
				}
				if _, err := numpy.Int(v); (err == nil) != (g.Items[0] == "3" || g.Items[0] == "-3") {
					t.Errorf("numpy %s, %s: Int: %v", all.Numpy, name, err)
				}
				if f, err := numpy.Float(v); g.Items[0] == "-3" && (err != nil || f != -3) || g.Items[0] == "True" && f != 1 || name == "text" && err == nil {
					t.Errorf("numpy %s, %s: Float: got %v, %v", all.Numpy, name, f, err)
				}
			}
		}
	}
	if f, err := numpy.Float(false); f != 0 || err != nil {
		t.Errorf("Float(false) = %v, %v; want 0", f, err)
	}
}

// TestRecords checks that the fields of records are read, also with padding between them.
func TestRecords(t *testing.T) {
	t.Parallel()
	for _, all := range goldenfile.ReadAll[goldens](t, "testdata/arrays-*.json.gz", 2) {
		saved, err := numpy.ReadNPY(all.Records.NPY)
		if err != nil {
			t.Fatal(err)
		}
		arrays := []numpy.Array{*saved}
		for _, data := range all.Records.Pickles {
			a, err := numpy.Parse(unpickle(t, data))
			if err != nil {
				t.Fatal(err)
			}
			arrays = append(arrays, a)
		}
		for _, a := range arrays {
			for name, want := range all.Records.Fields {
				field, err := a.Field(name)
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range want {
					if got := text(field.Float(i)); got != w {
						t.Errorf("field %s of record %d is %s, want %s", name, i, got, w)
					}
				}
			}
			if _, err := a.Field("other"); err == nil || err.Error() != `the records have no numbers called "other"` {
				t.Errorf("a field that does not exist: got %v", err)
			}
			if a.Type.String() != "V32" {
				t.Errorf("the type of the records is %v, want V32", a.Type)
			}
		}
	}
}

// TestBudget checks that copying elements without a budget is refused.
func TestBudget(t *testing.T) {
	t.Parallel()
	kind, err := numpy.ParseDType(dtype("i8", "<"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := numpy.New(kind, []int{2}, false, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := a.Floats(new(pickle.Budget))
	_, err2 := a.Ints(new(pickle.Budget))
	_, err3 := a.Items(new(pickle.Budget))
	_, err4 := a.Strings(new(pickle.Budget))
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("without a budget: got %v, want pickle.ErrLimit", err)
		}
	}
}

// TestKnown checks that the names in numpy's pickles are known, those of numpy 1 and 2.
func TestKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"numpy.core.multiarray _reconstruct": true, "numpy._core.multiarray scalar": true, "numpy.core.numeric _frombuffer": true, "numpy._core.numeric _frombuffer": true,
		"numpy.core _ufunc_reconstruct": true, "dill._dill _create_array": true, "numpy dtype": true, "numpy ndarray": true, "numpy memmap": true, "numpy.core.memmap memmap": true,
		"numpy._core.memmap memmap": true, "numpy matrix": false, "numpy.core.multiarray fromfile": false, "numpy.core.numeric load": false, "numpy.core load": false,
		"dill._dill _create_code": false, "numpy.core.memmap open": false, "os system": false, "numpy _reconstruct": false,
	} {
		module, attr, _ := strings.Cut(name, " ")
		if got := numpy.Known(pickle.Global{Module: module, Name: attr}); got != want {
			t.Errorf("Known(%s) = %v, want %v", name, got, want)
		}
	}
}
