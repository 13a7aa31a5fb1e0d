package sklearn

import (
	"fmt"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// members are the estimators inside an ensemble.
type members []*element

// members loads a list of estimators of one kind. As in scikit-learn, "drop" and None
// are left out.
func (a *attrs) members(name string, kind predict.Kind) members {
	items := a.items(name)
	if err := a.budget.Take(16 * len(items)); err != nil {
		a.fail("%w", err)
		return nil
	}
	all := make(members, 0, len(items))
	for i, item := range items {
		if item == nil || item == any("drop") {
			continue
		}
		e := a.nested(fmt.Sprint(i), item)
		if a.err == nil && (e.predictor == nil || e.kind != kind) {
			a.fail("%s is no %v", e.label, kind)
		}
		if a.err != nil {
			return nil
		}
		all = append(all, e)
	}
	if a.err == nil && len(all) == 0 {
		a.fail("%s is empty", name)
	}
	return all
}

// widthOf returns the number of columns that the members take. It must be the same for
// all, and equal a.in if that is known.
func (a *attrs) widthOf(all members) int {
	width := a.featuresOrAny()
	for _, e := range all {
		switch {
		case e.in == anyWidth || e.in == width:
		case width == anyWidth:
			width = e.in
		default:
			a.fail("%s takes %d columns, not %d", e.label, e.in, width)
		}
	}
	return width
}

func (m members) size() int {
	size := 0
	for _, e := range m {
		size += e.size + elementSize
	}
	return size
}

// encoded returns the classes of a classifier that was fitted on positions of classes.
// Each must be an integer from 0 to of-1.
func (a *attrs) encoded(e *element, of int) []int {
	numbers := make([]int, 0, len(e.classes.names))
	for _, name := range e.classes.names {
		f, err := strconv.ParseFloat(name, 64)
		if n := int(f); err == nil && f == float64(n) && n >= 0 && n < of {
			numbers = append(numbers, n)
			continue
		}
		a.fail("%s has the class %.40q, which is no number below %d", e.label, name, of)
		return nil
	}
	return numbers
}

// positions returns the positions of a classifier's classes among those of the estimator
// around it.
func (a *attrs) positions(e *element, among *labels) []int {
	at := make(map[string]int, len(among.names))
	for i, name := range among.names {
		at[name] = i
	}
	numbers := make([]int, 0, len(e.classes.names))
	for _, name := range e.classes.names {
		i, ok := at[name]
		if !ok {
			a.fail("%s has the class %.40q, which is none of the others'", e.label, name)
			return nil
		}
		numbers = append(numbers, i)
	}
	return numbers
}

// floatsOf returns the numbers in a list, tuple or array. They must be finite, and d of
// them.
func (a *attrs) floatsOf(name string, d *dim) []float64 {
	v := a.value(name)
	switch v.(type) {
	case *pickle.List, *pickle.Tuple:
	default:
		return a.vector(name, d)
	}
	items := pickle.Items(v)
	numbers := make([]float64, 0, len(items))
	for i, item := range items {
		f, ok := a.number(item)
		if !ok || f-f != 0 {
			a.fail("%s is no finite number at %d", name, i)
			return nil
		}
		numbers = append(numbers, f)
	}
	if !a.agree(name, d, len(numbers)) {
		return nil
	}
	return numbers
}
