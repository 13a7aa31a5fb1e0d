package joblib

import (
	"errors"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Known reports whether a name is one that joblib describes arrays by: its own, or
// that of the copy in scikit-learn up to 0.22.
func Known(g pickle.Global) bool {
	return g.Name == "NumpyArrayWrapper" &&
		(g.Module == "joblib.numpy_pickle" || g.Module == "sklearn.externals.joblib.numpy_pickle")
}

// Built is [pickle.Options].Built: it turns joblib's description of an array
// into a [numpy.Array], whose data it takes out of the stream, and leaves other
// objects as they are.
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

// nested reads an array of Python objects, which is a pickle of its own.
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

// skipPadding skips what aligns the data since joblib 1.2: a byte that says
// how many bytes follow it, and these.
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
