package sklearn

import (
	"fmt"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// attrs reads an estimator's attributes. The first error is kept in err. After an
// error every method returns a zero value, so a loader need only look at err before
// it indexes what it read.
type attrs struct {
	*loader
	object  *pickle.Object
	class   string
	step    string
	version version
	in      dim      // the number of columns that the estimator was fitted on
	names   []string // the result of featureNames; nil until column asks for it
	fitted  Params   // [Step.Fitted]
	steps   []Step   // [Step.Steps]
	err     error
}

// fail keeps an error, unless there is one already.
func (a *attrs) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf("%s%s: %w", a.class, inStep(a.step), fmt.Errorf(format, args...))
	}
}

// refuse keeps the error that a setting is not supported, and what to use instead,
// unless there is an error already.
func (a *attrs) refuse(what, instead string) {
	if a.err == nil {
		a.err = refuse(a.class+" with "+what, a.step, instead)
	}
}

// note adds a value to [Step.Fitted].
func (a *attrs) note(name string, value any) { a.fitted = append(a.fitted, Param{name, value}) }

// has reports whether an attribute exists and is not None.
func (a *attrs) has(name string) bool {
	v, _ := a.object.Attr(name)
	return v != nil
}

// value returns an attribute. A scalar of numpy becomes a Go value.
func (a *attrs) value(name string) any {
	v, ok := a.object.Attr(name)
	if !ok {
		a.fail("there is no attribute %s: fit the estimator before writing it", name)
		return nil
	}
	v, err := numpy.Scalar(v)
	if err != nil {
		a.fail("%s: %w", name, err)
	}
	return v
}

// optional returns an attribute that not all versions have, or nil.
func (a *attrs) optional(name string) any {
	if !a.has(name) {
		return nil
	}
	return a.value(name)
}

// number converts a value to a number. It reports false if v is none.
func (a *attrs) number(v any) (float64, bool) {
	f, err := numpy.Float(v)
	return f, err == nil
}

func (a *attrs) bool(name string) bool {
	f, err := numpy.Float(a.value(name))
	if err != nil {
		a.fail("%s: %w", name, err)
	}
	return f != 0
}

// boolOr returns a bool attribute that not all versions have, or the default.
func (a *attrs) boolOr(name string, otherwise bool) bool {
	if !a.has(name) {
		return otherwise
	}
	return a.bool(name)
}

func (a *attrs) text(name string) string {
	s, ok := a.value(name).(string)
	if !ok {
		a.fail("%s is no string", name)
	}
	return s
}

func (a *attrs) int(name string) int {
	n, err := numpy.Int(a.value(name))
	if err != nil {
		a.fail("%s: %w", name, err)
	}
	return n
}

// count returns an integer of 1 or more.
func (a *attrs) count(name string) int {
	n := a.int(name)
	if n < 1 {
		a.fail("%s is %d: it has to be 1 at least", name, n)
		return 1
	}
	return n
}

// float returns a number. In the file it may be an array of one element.
func (a *attrs) float(name string) float64 {
	v := a.value(name)
	_, array := v.(*numpy.Array)
	if o, ok := v.(*pickle.Object); ok {
		array = numpy.IsArray(o)
	}
	if array {
		if one := a.vector(name, exactly(1, "elements")); len(one) == 1 {
			return one[0]
		}
		return 0
	}
	f, err := numpy.Float(v)
	if err != nil {
		a.fail("%s: %w", name, err)
	}
	return f
}

// finite is like float, but the number must be finite.
func (a *attrs) finite(name string) float64 {
	f := a.float(name)
	if f-f != 0 {
		a.fail("%s is %v", name, f)
	}
	return f
}

// array returns an array's shape and its numbers, in row-major order.
func (a *attrs) array(name string) (shape []int, data []float64) {
	if a.err != nil {
		return nil, nil
	}
	return a.arrayOf(name, a.value(name))
}

// arrayOf is like array, of the value v. The name is for errors.
func (a *attrs) arrayOf(name string, v any) (shape []int, data []float64) {
	if a.err != nil {
		return nil, nil
	}
	array, err := numpy.Parse(v)
	if err == nil {
		data, err = array.Floats(a.budget)
	}
	if err != nil {
		a.fail("%s: %w", name, err)
		return nil, nil
	}
	return array.Shape, data
}

// isFloat32 reports whether an array has the type float32, because the estimator was
// fitted on float32. Numpy rounds to float32 what it computes from such arrays only.
func (a *attrs) isFloat32(name string) bool {
	array, err := numpy.Parse(a.value(name))
	return err == nil && array.Type.Kind == 'f' && array.Type.Size == 4
}

// vector returns an array's numbers, whatever its shape. There must be d of them, all
// finite.
func (a *attrs) vector(name string, d *dim) []float64 {
	v := a.vectorOrNaN(name, d)
	a.checkFinite(name, v)
	return v
}

// vectorOrNumber is like vector. A single number in the file is repeated d times.
func (a *attrs) vectorOrNumber(name string, d *dim) []float64 {
	f, ok := a.number(a.optional(name))
	if !ok {
		return a.vector(name, d)
	}
	v := make([]float64, d.n)
	for i := range v {
		v[i] = f
	}
	a.checkFinite(name, v)
	return v
}

// vectorOrNaN is like vector, but the numbers may be NaN or infinite.
func (a *attrs) vectorOrNaN(name string, d *dim) []float64 {
	_, data := a.array(name)
	if !a.agree(name, d, len(data)) {
		return nil
	}
	return data
}

// vectorOf is like vector, of the value v. The name is for errors.
func (a *attrs) vectorOf(name string, v any, d *dim) []float64 {
	_, data := a.arrayOf(name, v)
	if !a.agree(name, d, len(data)) {
		return nil
	}
	a.checkFinite(name, data)
	return data
}

// matrix returns a matrix of finite numbers in row-major order, rows × columns.
func (a *attrs) matrix(name string, rows, columns *dim) []float64 {
	if a.err != nil {
		return nil
	}
	return a.matrixOf(name, a.value(name), rows, columns)
}

// matrixOf is like matrix, of the value v. The name is for errors.
func (a *attrs) matrixOf(name string, v any, rows, columns *dim) []float64 {
	data := a.matrixOrNaN(name, v, rows, columns)
	a.checkFinite(name, data)
	return data
}

// matrixOrNaN is like matrixOf, but the numbers may be NaN or infinite.
func (a *attrs) matrixOrNaN(name string, v any, rows, columns *dim) []float64 {
	shape, data := a.arrayOf(name, v)
	if a.err == nil && len(shape) != 2 {
		a.fail("%s has the shape %v: a matrix is wanted", name, shape)
	}
	if a.err != nil || !a.agree(name, rows, shape[0]) || !a.agree(name, columns, shape[1]) {
		return nil
	}
	return data
}

func (a *attrs) checkFinite(name string, data []float64) {
	if i := slices.IndexFunc(data, func(f float64) bool { return f-f != 0 }); i >= 0 {
		a.fail("%s has a %v", name, data[i])
	}
}

// featureNames returns the names of the columns of the DataFrame that the estimator
// was fitted on, or nil. The attribute is feature_names_in_. Before 1.0 only
// ColumnTransformer had one, _feature_names_in.
func (a *attrs) featureNames() []string {
	for _, name := range []string{"feature_names_in_", "_feature_names_in"} {
		if !a.has(name) {
			continue
		}
		array, err := numpy.Parse(a.value(name))
		if err == nil {
			var names []string
			if names, err = array.Strings(a.budget); err == nil {
				return names
			}
		}
		a.fail("%s: %w", name, err)
	}
	return nil
}

// items returns the elements of a list or tuple.
func (a *attrs) items(name string) []any {
	v := a.value(name)
	switch v.(type) {
	case *pickle.List, *pickle.Tuple:
		return pickle.Items(v)
	}
	a.fail("%s is neither a list nor a tuple", name)
	return nil
}

// objects returns the elements of an array of objects with two dimensions, in
// row-major order. The number of columns is checked unless it is 0.
func (a *attrs) objects(name string, columns int) []any {
	array, err := numpy.Parse(a.value(name))
	switch {
	case a.err != nil:
		return nil
	case err != nil:
		a.fail("%s: %w", name, err)
	case array.Type.Kind != 'O' || len(array.Shape) != 2 || array.Fortran && array.Shape[0] != 1 && array.Shape[1] != 1:
		a.fail("%s is no array of objects in rows", name)
	case array.Len() == 0, columns != 0 && array.Shape[1] != columns:
		a.fail("%s has the shape %v where %d columns are wanted", name, array.Shape, columns)
	default:
		return array.Objects
	}
	return nil
}

// inside returns an attribute that must be an object, or nil.
func (a *attrs) inside(name string) *pickle.Object {
	o, ok := a.value(name).(*pickle.Object)
	if !ok {
		a.fail("%s is no object", name)
	}
	return o
}

// inner loads the estimator in an attribute.
func (a *attrs) inner(name string) *element {
	if a.err != nil {
		return nil
	}
	e, _, err := a.estimator(a.value(name), a.step)
	if err != nil {
		a.fail("%s: %w", name, err)
	}
	return e
}
