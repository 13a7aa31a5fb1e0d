package sklearn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// texts returns the strings in a list, tuple, array or pandas Index. It returns nil if
// v is none of these, is empty, or holds anything but strings.
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

// indexData returns the array in a pandas Index, and any other value unchanged. An
// Index is pickled as _new_Index(class, {'data': array, 'name': None}). Since pandas 3
// the data is a StringArray, whose state is (dtype, array, {}).
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

// nameColumns sets the names of the columns from the bundle, unless an estimator has
// them. It takes the list with as many names as a row has columns. If several lists do,
// the key decides: see nameRank.
func (b *bundle) nameColumns(e *element) error {
	if e.in == anyWidth && len(b.columns) > 0 {
		width := len(b.columns[0].names)
		if slices.ContainsFunc(b.columns, func(c columns) bool { return len(c.names) != width }) {
			return b.refuse("how many columns the model takes is not clear, as nothing in it says so and the lists of columns have several lengths", "write the list of those it was fitted on as \"features\" only")
		}
		e.in = min(width, maxFeatures)
	}
	if b.names != nil || len(b.columns) == 0 {
		return nil
	}
	fit := slices.DeleteFunc(slices.Clone(b.columns), func(c columns) bool { return len(c.names) != e.in })
	if len(fit) == 0 {
		c := b.columns[0]
		return fmt.Errorf("the %s names %d columns, but the model in it takes %d (they stand under %s): write the list of those it was fitted on", b.kind, len(c.names), e.in, quoted(c.key))
	}
	slices.SortStableFunc(fit, func(a, b columns) int { return a.nameRank() - b.nameRank() })
	for _, c := range fit[1:] {
		if !slices.Equal(c.names, fit[0].names) && c.nameRank() == fit[0].nameRank() {
			return b.refuse("whether "+quoted(fit[0].key)+" or "+quoted(c.key)+" are the model's columns is not clear", "write the list of those it was fitted on as \"features\"")
		}
	}
	b.names = fit[0].names
	b.take(fit[0].key, "columns")
	return nil
}

// nameRank says how likely the key means the model's columns: 0 for a usual key, 1 for
// one with the word feature in it, 2 for others.
func (c columns) nameRank() int {
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
