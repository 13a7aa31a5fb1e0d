package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Limits of the search for a refused object. If it is not found within them, the error
// does not name its place.
const (
	maxPlaceDepth = 24
	maxPlaceNodes = 200_000
)

// finder searches for the object of a name that is not allowed.
type finder struct {
	name  pickle.Global
	nodes int // visited so far
}

// find returns the place in v of the object of a name that is not allowed, as a Python
// expression: model['scaler'].func. It is empty if v itself is the object, or if it is
// not found.
func find(v any, g pickle.Global) string {
	f := finder{name: g}
	path, found := f.search(v, maxPlaceDepth)
	if found == nil || path == "" {
		return ""
	}
	return "model" + path
}

// search returns the path from v to the object. Found is nil if it is not below v.
func (f *finder) search(v any, depth int) (path string, found *pickle.Refused) {
	if f.nodes++; f.nodes > maxPlaceNodes || depth == 0 {
		return "", nil
	}
	each := func(items []any, form string) bool {
		for i, item := range items {
			below, r := f.search(item, depth-1)
			if r != nil {
				if form != "" {
					path = fmt.Sprintf(form, i)
				}
				path, found = path+below, r
				return true
			}
		}
		return false
	}
	switch v := v.(type) {
	case *pickle.Refused:
		if v.Global == f.name {
			return "", v
		}
	case *pickle.Tuple:
		each(v.Items, "[%d]")
	case *pickle.List:
		each(v.Items, "[%d]")
	case *pickle.Set:
		each(v.Items, "")
	case *pickle.Dict:
		return f.entries(v.Entries, depth, "['%.40s']")
	case *pickle.Object:
		if d, ok := v.State.(*pickle.Dict); ok {
			if path, found = f.entries(d.Entries, depth, ".%.40s"); found != nil {
				return path, found
			}
		}
		_ = each([]any{v.State}, "") || each(v.Args, "") || each(v.List, "[%d]")
		if found == nil {
			return f.entries(v.Entries, depth, "['%.40s']")
		}
	}
	return path, found
}

// entries searches the values of a dict, or of an object's attributes. Form formats a key
// for the path.
func (f *finder) entries(entries []pickle.Entry, depth int, form string) (path string, found *pickle.Refused) {
	for _, e := range entries {
		if below, r := f.search(e.Value, depth-1); r != nil {
			return fmt.Sprintf(form, keyText(e.Key)) + below, r
		}
	}
	return "", nil
}
