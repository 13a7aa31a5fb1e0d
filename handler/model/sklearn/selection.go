package sklearn

import (
	"fmt"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// selection returns the columns that a ColumnTransformer gives to a transformer. Since
// scikit-learn 1.0 their positions are in _transformer_to_input_indices. Before, v is what
// the user wrote: positions, a mask, a slice or names.
func (a *attrs) selection(name string, v any, width int) []int {
	if resolved, ok := a.object.Attr("_transformer_to_input_indices"); ok {
		if d, ok := resolved.(*pickle.Dict); ok {
			if indices, ok := d.Get(name); ok {
				v = indices
			}
		}
	}
	columns, err := a.columns(v, width)
	if err != nil {
		a.fail("the columns of step '%s': %w", name, err)
		return nil
	}
	for i, c := range columns {
		if c < 0 {
			columns[i] = c + width
		}
	}
	a.checkColumns(columns, width)
	return columns
}

// checkColumns keeps an error if a column is not from 0 to width-1.
func (a *attrs) checkColumns(columns []int, width int) {
	for _, c := range columns {
		if c < 0 || c >= width {
			a.fail("column %d is not one of %d", c, width)
			return
		}
	}
}

// columns returns the positions of the columns that v selects. They may be negative.
func (a *attrs) columns(v any, width int) ([]int, error) {
	switch v := indexData(v).(type) {
	case *pickle.List:
		return a.listed(v.Items, width)
	case *pickle.Tuple:
		return a.listed(v.Items, width)
	case *pickle.Object:
		switch {
		case v.Class == pickle.Global{Module: "builtins", Name: "slice"} && len(v.Args) == 3:
			return a.sliced(v.Args, width)
		case v.Class.Name == "_RemainderColsList":
			data, _ := v.Attr("data")
			if list, ok := data.(*pickle.List); ok {
				return a.listed(list.Items, width)
			}
		case numpy.IsArray(v):
			return a.arrayed(v, width)
		}
	case *numpy.Array:
		return a.arrayed(v, width)
	case int64, string:
		return nil, &unsupported{"a single column, passed on without its second dimension, is not supported: write it as a list, [column]"}
	}
	return nil, fmt.Errorf("%s as a selection of columns is not supported: use a list of positions or names", pickle.Kind(v))
}

func (a *attrs) arrayed(v any, width int) ([]int, error) {
	array, err := numpy.Parse(v)
	if err != nil {
		return nil, err
	}
	items, err := array.Items(a.budget)
	if err != nil {
		return nil, err
	}
	return a.listed(items, width)
}

// listed returns the columns that a list selects. Its elements are positions, names, or
// bools, one for each column.
func (a *attrs) listed(items []any, width int) ([]int, error) {
	if err := a.budget.Take(8 * len(items)); err != nil {
		return nil, err
	}
	var columns []int
	for i, item := range items {
		item, err := numpy.Scalar(item)
		if err != nil {
			return nil, err
		}
		switch item := item.(type) {
		case int64:
			columns = append(columns, int(item))
		case string:
			c, err := a.column(item)
			if err != nil {
				return nil, err
			}
			columns = append(columns, c)
		case bool:
			if len(items) != width {
				return nil, fmt.Errorf("a mask of %d for %d columns", len(items), width)
			}
			if item {
				columns = append(columns, i)
			}
		default:
			return nil, fmt.Errorf("a column given by %s is not supported", pickle.Kind(item))
		}
	}
	return columns, nil
}

// column returns the position of a column given by its name.
func (a *attrs) column(name string) (int, error) {
	if a.names == nil {
		a.names = a.featureNames()
	}
	if a.names == nil {
		return 0, &unsupported{fmt.Sprintf("a column by its name, %.60q, is not supported in a file that does not keep the names: select by position, or fit it with scikit-learn 0.22 or later on a DataFrame", name)}
	}
	c := slices.Index(a.names, name)
	if c < 0 {
		return 0, fmt.Errorf("there is no feature named %.60q", name)
	}
	return c, nil
}

// sliced returns the columns of slice(start, stop, step). Start and stop are positions or
// names. As in pandas, a slice of names includes stop.
func (a *attrs) sliced(args []any, width int) ([]int, error) {
	bounds := [3]int{0, width, 1}
	for i, arg := range args {
		switch arg := arg.(type) {
		case nil:
		case int64:
			bounds[i] = int(max(-maxFeatures, min(maxFeatures, arg)))
			if i < 2 && bounds[i] < 0 {
				bounds[i] = max(0, bounds[i]+width)
			}
		case string:
			c, err := a.column(arg)
			if err != nil {
				return nil, err
			}
			bounds[i] = c + i
		default:
			return nil, &unsupported{fmt.Sprintf("a slice by %s is not supported: write a list", pickle.Kind(arg))}
		}
	}
	if bounds[2] < 1 {
		return nil, fmt.Errorf("a slice with step %d is not supported", bounds[2])
	}
	var columns []int
	for c := bounds[0]; c < min(bounds[1], width); c += bounds[2] {
		columns = append(columns, c)
	}
	return columns, nil
}
