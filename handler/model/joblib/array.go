package joblib

import (
	"errors"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Known reports whether a name is joblib's class NumpyArrayWrapper. Up to 0.22 scikit-learn
// contained a copy of joblib, with another module.
func Known(g pickle.Global) bool {
	return g.Name == "NumpyArrayWrapper" &&
		(g.Module == "joblib.numpy_pickle" || g.Module == "sklearn.externals.joblib.numpy_pickle")
}

// Built is used as [pickle.Options].Built. It replaces joblib's description of an array by a
// [numpy.Array], whose data it reads from the stream. Other objects are returned unchanged.
func Built(o *pickle.Object, in *pickle.Input) (any, error) {
	if !Known(o.Class) {
		return o, nil
	}
	dtype, ok := o.Attr("dtype")
	if !ok {
		return nil, errors.New("a joblib array without a dtype")
	}
	t, err := numpy.ParseDType(dtype)
	if err != nil {
		return nil, err
	}
	if t.Kind == 'O' {
		return nested(in)
	}
	if err := skipPadding(o, in); err != nil {
		return nil, err
	}
	dims, _ := o.Attr("shape")
	shape, err := numpy.ParseShape(dims)
	if err != nil {
		return nil, err
	}
	order, _ := o.Attr("order")
	a := &numpy.Array{Type: t, Shape: shape, Fortran: order == any("F")}
	a.Data, err = in.Take(a.Len() * t.Size)
	return a, err
}

// nested reads an array of Python objects, which is a separate pickle in the stream.
func nested(in *pickle.Input) (any, error) {
	v, err := in.Nested()
	if err != nil {
		return nil, err
	}
	if _, ok := v.(*pickle.Object); !ok {
		return nil, fmt.Errorf("a joblib array of objects that is %s", pickle.Kind(v))
	}
	return v, nil
}

// skipPadding skips the bytes that align the data since joblib 1.2: a byte with their number,
// then the bytes.
func skipPadding(o *pickle.Object, in *pickle.Input) error {
	if aligned, _ := o.Attr("numpy_array_alignment_bytes"); aligned == nil {
		return nil
	}
	n, err := in.Take(1)
	if err != nil {
		return err
	}
	_, err = in.Take(int(n[0]))
	return err
}
