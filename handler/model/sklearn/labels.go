package sklearn

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// labels are a classifier's classes, in the order of its probabilities.
type labels struct {
	names []string // as Python's print writes them
}

// labels reads an array of classes, which most classifiers have in classes_. A list of
// arrays means several outputs, which are refused.
func (a *attrs) labels(name string) *labels {
	l := &labels{}
	v := a.value(name)
	if a.err != nil {
		return l
	}
	if _, ok := v.(*pickle.List); ok {
		a.refuse("several outputs", oneOutput)
		return l
	}
	l.names = a.labelNames(name, v)
	return l
}

// oneOutput is what to do about an estimator of several outputs.
const oneOutput = "fit an estimator for each of them"

// labelNames returns the elements of an array as Python's print writes them. The name is
// for errors.
func (a *attrs) labelNames(name string, v any) []string {
	if a.err != nil {
		return nil
	}
	names, err := a.printed(v)
	switch {
	case err != nil:
		a.fail("%s: %w", name, err)
	case len(names) == 0:
		a.fail("%s is empty", name)
	}
	return names
}

// printed returns the elements of an array as Python's print writes them.
func (l *loader) printed(v any) ([]string, error) {
	array, err := numpy.Parse(v)
	if err != nil {
		return nil, err
	}
	if len(array.Shape) != 1 {
		return nil, fmt.Errorf("it has the shape %v: a list of classes is wanted", array.Shape)
	}
	items, err := array.Items(l.budget)
	if err == nil {
		err = l.budget.Take(48 * len(items))
	}
	if err != nil {
		return nil, err
	}
	bits := 64
	if array.Type.Kind == 'f' && array.Type.Size < 8 {
		bits = 32
	}
	names := make([]string, len(items))
	for i, item := range items {
		if names[i], err = pythonText(item, bits); err != nil {
			return nil, fmt.Errorf("class %d: %w", i, err)
		}
	}
	return names, nil
}

// pythonText returns a bool, number or string as Python's print writes it. Bits is the
// size of a float, 32 or 64.
func pythonText(v any, bits int) (string, error) {
	v, err := numpy.Scalar(v)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "None", nil
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case float64:
		return pythonFloat(v, bits), nil
	}
	return "", &unsupported{pickle.Kind(v) + " as a class is not supported: use numbers, strings or bools"}
}

// pythonFloat is Python's repr of a float: the fewest digits that read back to
// the same number, with an exponent below 1e-4 and from 1e16 on.
func pythonFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	case f == 0 || math.Abs(f) >= 1e-4 && math.Abs(f) < 1e16:
		s := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return strconv.FormatFloat(f, 'e', -1, bits)
}

// position returns the position of a class, or -1.
func (l *labels) position(name string) int { return slices.Index(l.names, name) }
