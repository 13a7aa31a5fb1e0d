package numpy_test

import (
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// dtype returns a pickled numpy.dtype with this code and byte order.
func dtype(code, order string) *pickle.Object {
	return &pickle.Object{
		Class: pickle.Global{Module: "numpy", Name: "dtype"},
		Args:  []any{code, false, true},
		State: &pickle.Tuple{Items: []any{int64(3), order, nil, nil, nil, int64(-1), int64(-1), int64(0)}},
	}
}

// TestData checks that an array must have exactly the bytes of its shape.
func TestData(t *testing.T) {
	t.Parallel()
	float, err := numpy.ParseDType(dtype("f8", "<"))
	if err != nil {
		t.Fatal(err)
	}
	for size, ok := range map[int]bool{0: false, 40: false, 47: false, 48: true, 49: false, 56: false} {
		if _, err := numpy.New(float, []int{2, 3}, false, make([]byte, size)); (err == nil) != ok {
			t.Errorf("6 numbers of 8 bytes from %d bytes: got %v, want success %v", size, err, ok)
		}
	}
}

// TestNumbers checks the types of numbers, in both byte orders.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code, order string
		data        string
		want        []float64
	}{
		{"f8", "<", "\x00\x00\x00\x00\x00\x00\xf8\x3f", []float64{1.5}},
		{"f8", ">", "\x3f\xf8\x00\x00\x00\x00\x00\x00", []float64{1.5}},
		{"f4", ">", "\x3f\xc0\x00\x00", []float64{1.5}},
		{"f2", "<", "\x00\x3e", []float64{1.5}},
		{"i8", ">", "\xff\xff\xff\xff\xff\xff\xff\xfe", []float64{-2}},
		{"i4", "<", "\xfe\xff\xff\xff\x05\x00\x00\x00", []float64{-2, 5}},
		{"i2", ">", "\xff\xfe\x01\x00", []float64{-2, 256}},
		{"i1", "|", "\xfe\x7f", []float64{-2, 127}},
		{"u2", "<", "\xfe\xff", []float64{65534}},
		{"b1", "|", "\x00\x01", []float64{0, 1}},
	} {
		kind, err := numpy.ParseDType(dtype(tt.code, tt.order))
		if err != nil {
			t.Fatal(tt.code, err)
		}
		array, err := numpy.New(kind, []int{len(tt.want)}, false, []byte(tt.data))
		if err != nil {
			t.Fatal(tt.code, err)
		}
		if got, err := array.Floats(pickle.NewBudget(1000)); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s%s of %q: got %v, %v; want %v", tt.order, tt.code, tt.data, got, err, tt.want)
		}
	}
}

// TestFortran checks that arrays in Fortran order are read row by row.
func TestFortran(t *testing.T) {
	t.Parallel()
	kind, err := numpy.ParseDType(dtype("i1", "|"))
	if err != nil {
		t.Fatal(err)
	}
	array, err := numpy.New(kind, []int{2, 3}, true, []byte{1, 4, 2, 5, 3, 6})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := array.Ints(pickle.NewBudget(1000)); err != nil || !slices.Equal(got, []int64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("got %v, %v; want 1 to 6", got, err)
	}
}
