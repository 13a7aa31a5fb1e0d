package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Bounds on the search for a refused object: what lies deeper is refused without
// its place.
const (
	maxPlaceDepth = 24
	maxPlaceNodes = 200_000
)

// finder looks for what came of a name that is not allowed.
type finder struct {
	name  pickle.Global
	nodes int
}

// find returns where in v the name g, which is not allowed, is used, as Python
// would write it: model['scaler'].func. It is empty if that is all of v, or nowhere.
func find(v any, g pickle.Global) string {
	f := finder{name: g}
	path, found := f.look(v, maxPlaceDepth)
	if found == nil || path == "" {
		return ""
	}
	return "model" + path
}

// look returns the path from v to the object.
func (f *finder) look(v any, depth int) (path string, found *pickle.Refused) {
	if f.nodes++; f.nodes > maxPlaceNodes || depth == 0 {
		return "", nil
	}
	each := func(items []any, form string) bool {
		for i, item := range items {
			below, r := f.look(item, depth-1)
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

// entries looks at the values of a dict, or of an object's attributes.
func (f *finder) entries(entries []pickle.Entry, depth int, form string) (path string, found *pickle.Refused) {
	for _, e := range entries {
		if below, r := f.look(e.Value, depth-1); r != nil {
			return fmt.Sprintf(form, keyText(e.Key)) + below, r
		}
	}
	return "", nil
}
