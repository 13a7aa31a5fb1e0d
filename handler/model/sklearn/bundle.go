package sklearn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// part is an estimator of scikit-learn in a bundle.
type part struct {
	key      string // in a dict; else its position
	object   *pickle.Object
	predicts bool
}

// roles are the transformers that people keep in a dict beside the model, by
// words in their keys, in the order in which they are applied.
var roles = []string{"imput", "scal", "preprocess", "transform", "pca"}

// unbundle returns the Pipeline that a dict, tuple or list of one estimator and
// its transformers means; v itself if it is none of these. In a tuple or list
// transformers are applied in order; in a dict by their roles. Where the order
// is in doubt, the bundle is refused, naming what is in it.
func (l *loader) unbundle(v any) (any, error) {
	parts, keys := bundleParts(v)
	if len(parts) == 0 {
		return v, nil
	}
	_, named := v.(*pickle.Dict)
	refused := func(why string) error {
		return refuse(fmt.Sprintf("%s of %s, %s,", pickle.Kind(v), strings.Join(keys, ", "), why), "", "write one Pipeline of them, make_pipeline(scaler, model)")
	}
	var steps []part
	var last *part
	for i, p := range parts {
		if !p.predicts {
			steps = append(steps, p)
			continue
		}
		if last != nil {
			return nil, refused("where more than one predicts")
		}
		last = &parts[i]
	}
	if last == nil {
		return nil, refused("where none predicts")
	}
	if len(steps) > 1 && named {
		rank := func(p part) int {
			return slices.IndexFunc(roles, func(r string) bool { return strings.Contains(strings.ToLower(p.key), r) })
		}
		slices.SortStableFunc(steps, func(a, b part) int { return rank(a) - rank(b) })
		for i := range steps {
			if rank(steps[i]) < 0 || i > 0 && rank(steps[i]) == rank(steps[i-1]) {
				return nil, refused("whose order is not clear")
			}
		}
	}
	if len(steps) > 1 && !named && last != &parts[len(parts)-1] {
		return nil, refused("whose order is not clear")
	}
	list := new(pickle.List)
	for _, p := range append(steps, *last) {
		list.Items = append(list.Items, &pickle.Tuple{Items: []any{p.key, p.object}})
	}
	version, _ := last.object.Attr("_sklearn_version")
	return &pickle.Object{
		Class: pickle.Global{Module: "sklearn.pipeline", Name: "Pipeline"},
		State: &pickle.Dict{Entries: []pickle.Entry{{Key: "steps", Value: list}, {Key: "_sklearn_version", Value: version}}},
	}, l.budget.Take(1024 * len(parts))
}

// bundleParts returns the estimators in a dict, tuple or list, and the names of
// all that is in it, as far as a message has room.
func bundleParts(v any) (parts []part, names []string) {
	const most = 20
	add := func(key string, v any) {
		o, ok := v.(*pickle.Object)
		c, known := classes[pickle.Global{}], false
		if ok {
			c, known = classes[o.Class]
		}
		if known && len(parts) <= maxEstimators {
			parts = append(parts, part{key, o, c.detector || c.name == "Pipeline"})
		}
		if len(names) < most {
			names = append(names, fmt.Sprintf("%.40q", key))
		}
	}
	switch v := v.(type) {
	case *pickle.Dict:
		for _, e := range v.Entries {
			if key, ok := e.Key.(string); ok {
				add(key, e.Value)
			}
		}
	case *pickle.Tuple:
		for i, item := range v.Items {
			add(fmt.Sprint(i), item)
		}
	case *pickle.List:
		for i, item := range v.Items {
			add(fmt.Sprint(i), item)
		}
	}
	return parts, names
}
