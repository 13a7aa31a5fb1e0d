package numpy_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// FuzzReadNPY checks that no file makes the reader panic, take a second of CPU time or
// allocate much more than eight times its size. The elements of an array that it reads must
// be those at their places in the data, and the array must be read again from a file that is
// written of it.
func FuzzReadNPY(f *testing.F) {
	for _, g := range goldenfile.ReadAll[goldens](f, "testdata/arrays-*.json.gz", 2) {
		for _, array := range g.Arrays {
			f.Add(array.NPY)
		}
		f.Add(g.Records.NPY)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var a *numpy.Array
		var err error
		measure.Bounded(t, 8*len(data)+2<<20, func() { a, err = numpy.ReadNPY(data) })
		if err != nil {
			return
		}
		holdArray(t, *a, len(data))
		if len(a.Type.Fields) > 0 || a.Type.Kind == 'V' {
			return
		}
		again, err := numpy.ReadNPY(writeNPY(*a))
		if err != nil || again.Type.String() != a.Type.String() || !again.Equal(a.Shape...) || !slices.Equal(again.Data, a.Data) {
			t.Errorf("written and read again: %+v, %v; want %+v", again, err, a)
		}
	})
}

// FuzzParse is FuzzReadNPY for pickled arrays and scalars.
func FuzzParse(f *testing.F) {
	for _, g := range goldenfile.ReadAll[goldens](f, "testdata/arrays-*.json.gz", 2) {
		for _, arrays := range []map[string]golden{g.Arrays, g.Scalars} {
			for _, array := range arrays {
				for _, data := range array.Pickles {
					f.Add(data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := pickle.Read(data, pickle.Options{Allow: numpy.Known})
		if err != nil {
			return
		}
		var a numpy.Array
		measure.Bounded(t, 8*len(data)+2<<20, func() {
			if scalar, err := numpy.Scalar(v); err == nil {
				_, _ = numpy.Float(scalar)
			}
			a, err = numpy.Parse(v)
		})
		if err == nil {
			holdArray(t, a, len(data))
		}
	})
}

// holdArray checks the elements of an array from a file of that size.
func holdArray(t *testing.T, a numpy.Array, size int) {
	budget := func() *pickle.Budget { return pickle.NewBudget(size) }
	if a.Type.Kind == 'O' {
		if len(a.Objects) != a.Len() {
			t.Errorf("%d objects of shape %v", len(a.Objects), a.Shape)
		}
		return
	}
	if len(a.Data) != a.Len()*a.Type.Size {
		t.Fatalf("%d bytes for %v of shape %v", len(a.Data), a.Type, a.Shape)
	}
	items, err := a.Items(budget())
	if err != nil {
		return // the budget
	}
	if len(items) != a.Len() {
		t.Fatalf("%d items of shape %v", len(items), a.Shape)
	}
	floats, notFloats := a.Floats(budget())
	ints, notInts := a.Ints(budget())
	at := make([]int, len(a.Shape)) // the index of an item
	for i, item := range items {
		place := 0
		for k := range at { // the last index varies fastest, or the first
			if a.Fortran {
				k = len(at) - 1 - k
			}
			place = place*a.Shape[k] + at[k]
		}
		one, err := numpy.New(a.Type, nil, false, a.Data[place*a.Type.Size:][:a.Type.Size])
		if err != nil {
			t.Fatal(err)
		}
		want, err := one.Items(budget())
		if err != nil || text(want[0]) != text(item) {
			t.Fatalf("item %v of %v %v is %v, want %v (%v)", at, a.Type, a.Shape, item, want, err)
		}
		if f, ok := item.(float64); ok && (notFloats != nil || text(floats[i]) != text(f)) {
			t.Fatalf("item %v is %v as a number, want %v (%v)", at, floats, f, notFloats)
		}
		if n, ok := item.(int64); ok && (notInts != nil || ints[i] != n) {
			t.Fatalf("item %v is %v as an integer, want %v (%v)", at, ints, n, notInts)
		}
		for axis := len(at) - 1; axis >= 0; axis-- {
			if at[axis]++; at[axis] < a.Shape[axis] {
				break
			}
			at[axis] = 0
		}
	}
}

// writeNPY returns an array as numpy.save writes it.
func writeNPY(a numpy.Array) []byte {
	order, size := "<", a.Type.Size
	if a.Type.Big {
		order = ">"
	}
	if a.Type.Kind == 'U' {
		size /= 4
	}
	var shape strings.Builder
	for _, n := range a.Shape {
		fmt.Fprintf(&shape, "%d, ", n)
	}
	fortran := map[bool]string{false: "False", true: "True"}[a.Fortran]
	header := fmt.Sprintf("{'descr': '%s%c%d', 'fortran_order': %s, 'shape': (%s), }\n", order, a.Type.Kind, size, fortran, shape.String())
	file := append([]byte("\x93NUMPY\x01\x00"), binary.LittleEndian.AppendUint16(nil, uint16(len(header)))...)
	return append(append(file, header...), a.Data...)
}
