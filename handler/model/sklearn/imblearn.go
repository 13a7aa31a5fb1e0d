package sklearn

import (
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// resamples reports whether v is a sampler of imbalanced-learn, SMOTE for instance. A
// Pipeline uses it only to fit: to predict, it leaves it out.
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

// loadImbalanced returns the loader of a class of imbalanced-learn that predicts like a
// class of scikit-learn, whose loader is load. The version of scikit-learn is that of an
// estimator inside.
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

// writtenIn returns the version of the first estimator in v that has one, or nil. It
// looks at no more than left objects.
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
