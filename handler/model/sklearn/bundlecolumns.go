package sklearn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// texts returns the strings in a list, tuple, array or Index of pandas; nil if v is
// none of these, empty, or has anything else in it.
func (b *bundle) texts(v any) []string {
	v = indexData(v)
	items := pickle.Items(v)
	if items == nil {
		array, err := numpy.Parse(v)
		if err != nil {
			return nil
		}
		if items, err = array.Items(b.budget); err != nil {
			return nil
		}
	}
	names := make([]string, 0, len(items))
	for _, item := range items {
		item, _ := numpy.Scalar(item)
		name, ok := item.(string)
		if !ok {
			return nil
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	return names
}

// indexData returns the array in an Index of pandas:
// _new_Index(class, {'data': array, 'name': None}), in which since pandas 3 stands a
// StringArray, whose state is (dtype, array, {}). Others are returned as they are.
func indexData(v any) any {
	o, ok := v.(*pickle.Object)
	if !ok || !strings.HasPrefix(o.Class.Module, "pandas.") {
		return v
	}
	if o.Class.Name == "_new_Index" && len(o.Args) == 2 {
		if d, ok := o.Args[1].(*pickle.Dict); ok {
			data, _ := d.Get("data")
			if o, ok = data.(*pickle.Object); !ok || !strings.HasPrefix(o.Class.Module, "pandas.") {
				return data
			}
		}
	}
	if state, ok := o.State.(*pickle.Tuple); ok && len(state.Items) > 1 {
		return state.Items[1]
	}
	return v
}

// nameColumns gives the columns the names that the bundle has for them, unless the
// estimators have some. Of several lists it is the one that is as long as rows are
// wide; of several such the one that is called most plainly.
func (b *bundle) nameColumns(e *element) error {
	if e.in == anyWidth && len(b.columns) == 1 {
		e.in = min(len(b.columns[0].names), maxFeatures)
	}
	if b.names != nil || len(b.columns) == 0 {
		return nil
	}
	fit := slices.DeleteFunc(slices.Clone(b.columns), func(c columns) bool { return len(c.names) != e.in })
	if len(fit) == 0 {
		c := b.columns[0]
		return fmt.Errorf("the %s names %d columns, but the model in it takes %d (they stand under %s): write the list of those it was fitted on", b.kind, len(c.names), e.in, quoted(c.key))
	}
	slices.SortStableFunc(fit, func(a, b columns) int { return a.plainness() - b.plainness() })
	for _, c := range fit[1:] {
		if !slices.Equal(c.names, fit[0].names) && c.plainness() == fit[0].plainness() {
			return b.refuse("whether "+quoted(fit[0].key)+" or "+quoted(c.key)+" are the model's columns is not clear", "write the list of those it was fitted on as \"features\"")
		}
	}
	b.names = fit[0].names
	b.take(fit[0].key, "columns")
	return nil
}

// plainness tells how plainly a list of columns is called so, 0 the most.
func (c columns) plainness() int {
	words := keyWords(c.key)
	plain := []string{"feature", "features", "feature_names", "feature_columns", "feature_cols", "columns", "cols"}
	if i := slices.Index(plain, strings.Join(words, "_")); i >= 0 {
		return 0
	}
	if len(words) > 0 && slices.Contains(words, "features") || slices.Contains(words, "feature") {
		return 1
	}
	return 2
}
