package sklearn

import (
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// resamples reports a sampler of imbalanced-learn, such as SMOTE. Its Pipeline passes
// rows by it except when it is fitted.
func resamples(v any) bool {
	o, ok := v.(*pickle.Object)
	if !ok {
		return false
	}
	for _, pkg := range []string{"over_sampling", "under_sampling", "combine"} {
		if strings.HasPrefix(o.Class.Module, "imblearn."+pkg+".") {
			return true
		}
	}
	return o.Class == pickle.Global{Module: "imblearn.base", Name: "FunctionSampler"}
}

// loadImbalanced loads an estimator of imbalanced-learn, which is one of scikit-learn
// that was fitted in another way. It doesn't say which version of scikit-learn it was
// written with; an estimator in it does.
func loadImbalanced(load func(*attrs) *element) func(*attrs) *element {
	return func(a *attrs) *element {
		left := 100
		written, _ := writtenIn(a.value("estimators_"), &left).(string)
		version, err := parseVersion(written)
		if err != nil {
			a.fail("%w", err)
			return nil
		}
		if a.version = version; a.loader.written == "" {
			a.loader.written = written
		}
		return load(a)
	}
}

// writtenIn returns the version of the first estimator in v that says one, nil if none
// of so many does.
func writtenIn(v any, left *int) any {
	if *left--; *left < 0 {
		return nil
	}
	items := pickle.Items(v)
	if o, ok := v.(*pickle.Object); ok {
		if written, ok := o.Attr("_sklearn_version"); ok {
			return written
		}
		steps, _ := o.Attr("steps")
		items = []any{steps}
	}
	for _, item := range items {
		if written := writtenIn(item, left); written != nil {
			return written
		}
	}
	return nil
}
