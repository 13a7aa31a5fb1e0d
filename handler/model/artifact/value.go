package artifact

import (
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

const besideModel = "put it into one folder with the model's file, and publish that"

// notModel returns an error that says what a pickled value is, if it cannot hold an
// estimator.
func notModel(v any) error {
	switch v := v.(type) {
	case nil:
		return noModel("the file holds None, not a model: the variable that was written was empty, as the result of print or of a function without return is: %s", writeEstimator)
	case string:
		return noModel("the file holds the text %q, not a model: %s", clip(v, 40), writeEstimator)
	case bool, int64, float64:
		return partOfModel("the file holds the number %v, not a model: if it is a threshold, %s", v, besideModel)
	case []byte:
		return noModel("the file holds %d bytes, not a model: %s", len(v), writeEstimator)
	case pickle.Global:
		return noModel("the file holds the name of a function or class (%v), not a model: a pickle does not contain its code, and nothing of a file is run here: write the fitted estimators that it uses", v)
	case *numpy.Array:
		if v.Type.Kind == 'O' && objects(&pickle.List{Items: v.Objects}, maxLook) { // it may hold a dict or a model
			return nil
		}
		return noModel("the file holds a numpy array of shape %v, which is data and not a model: %s", shapeText(v.Shape), writeEstimator)
	case *pickle.Object:
		if s := scalar(v); s != any(v) {
			return notModel(s)
		}
		if v.Class.Name == "LabelEncoder" && strings.HasPrefix(v.Class.Module, "sklearn.") {
			return partOfModel("the file holds a LabelEncoder, the names of a model's classes, but no model: %s", besideModel)
		}
		if numpy.IsArray(v) {
			if array, err := numpy.Parse(v); err == nil {
				return notModel(&array)
			}
		}
		return nil
	case *pickle.Refused:
		return nil
	}
	if objects(v, maxLook) {
		return nil
	}
	if names := texts(v); len(names) > 0 {
		return partOfModel("the file holds %s of %d texts (%s), which may be a model's columns, but is no model: %s", pickle.Kind(v), len(names), shorten(names), besideModel)
	}
	if d, ok := v.(*pickle.Dict); ok && len(d.Entries) > 0 {
		var keys []string
		for _, e := range d.Entries {
			keys = append(keys, fmt.Sprint(scalar(e.Key)))
		}
		return noModel("the file holds a dict of %s, and no model in it: %s", shorten(keys), writeEstimator)
	}
	return noModel("the file holds %s, and no model in it: %s", sized(v), writeEstimator)
}

func sized(v any) string {
	n := 0
	switch v := v.(type) {
	case *pickle.List:
		n = len(v.Items)
	case *pickle.Tuple:
		n = len(v.Items)
	case *pickle.Set:
		n = len(v.Items)
	case *pickle.Dict:
		n = len(v.Entries)
	default:
		return pickle.Kind(v)
	}
	if n == 0 {
		return strings.Replace(pickle.Kind(v), "a ", "an empty ", 1)
	}
	return fmt.Sprintf("%s of %d", pickle.Kind(v), n)
}

// maxLook is the depth up to which objects searches.
const maxLook = 4

// objects reports whether v contains an object, or something at the largest depth that may
// contain one.
func objects(v any, depth int) bool {
	if depth == 0 {
		return true
	}
	switch v := v.(type) {
	case *pickle.Object:
		return !numpy.IsArray(v) && !numpy.IsScalar(v)
	case *pickle.Refused:
		return true
	case *pickle.Dict:
		for _, e := range v.Entries {
			if objects(e.Value, depth-1) {
				return true
			}
		}
	}
	for _, item := range pickle.Items(v) {
		if objects(item, depth-1) {
			return true
		}
	}
	return false
}

// texts returns the strings in a list, tuple or set, or nil if it contains anything else.
func texts(v any) (names []string) {
	items := pickle.Items(v)
	if set, ok := v.(*pickle.Set); ok {
		items = set.Items
	}
	for _, item := range items {
		name, ok := scalar(item).(string)
		if !ok {
			return nil
		}
		names = append(names, name)
	}
	return names
}

// scalar returns the Go value of a numpy scalar, and any other value unchanged.
func scalar(v any) any {
	if s, err := numpy.Scalar(v); err == nil {
		return s
	}
	return v
}

// shorten returns the first names, separated by commas.
func shorten(names []string) string {
	const most = 6
	var short []string
	for _, n := range names[:min(len(names), most)] {
		short = append(short, clip(n, 30))
	}
	if len(names) > most {
		short = append(short, "…")
	}
	return strings.Join(short, ", ")
}

func shapeText(shape []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", " × ")
}
