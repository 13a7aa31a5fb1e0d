package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// loadXGBoostWrapper loads XGBClassifier, XGBRegressor and the other classes of
// xgboost.sklearn.
func loadXGBoostWrapper(a *attrs) *element {
	inner := a.inside("_Booster")
	b := a.booster(inner)
	if a.err != nil {
		return nil
	}
	o := xgboost.Options{Missing: a.missing(), Classes: a.classesOf(b)}
	switch {
	case b.Kind == "gblinear":
	case b.Version < xgboost.InplaceSince:
		if a.has("best_ntree_limit") {
			o.Iterations = a.int("best_ntree_limit")
		}
	default:
		predictor, _ := a.object.Attr("predictor")
		o.Inplace = predictor == nil || predictor == any("auto") && b.Version > xgboost.InplaceSince
		o.Iterations = b.BestIteration()
		if best, ok := inner.Attr("best_iteration"); ok && best != nil {
			n, err := numpy.Int(best)
			if err != nil {
				a.fail("best_iteration: %w", err)
			}
			o.Iterations = n + 1
		}
	}
	return a.xgboostModel(b, o)
}

// loadXGBoostBooster loads a pickled xgboost.core.Booster. It predicts like a saved one:
// see [xgboost.Booster.Saved].
func loadXGBoostBooster(a *attrs) *element {
	b := a.booster(a.object)
	if a.err != nil {
		return nil
	}
	return a.xgboostModel(b, b.Saved())
}

// booster reads a pickled Booster.
func (a *attrs) booster(o *pickle.Object) *xgboost.Booster {
	if a.err != nil {
		return nil
	}
	handle, _ := o.Attr("handle")
	raw, ok := handle.([]byte)
	if !ok {
		a.fail("its Booster has no model: fit the estimator before writing it")
		return nil
	}
	b, err := xgboost.Read(raw, a.budget)
	if err != nil {
		a.refuseForeign(err, xgboost.ErrUnsupported)
		return nil
	}
	if b.FeatureNames == nil { // before 1.4 they are an attribute of the Python object
		b.FeatureNames = a.boosterNames(o, b.Features)
	}
	return b
}

// boosterNames returns the attribute feature_names of a Booster, or nil if there are not n
// names.
func (a *attrs) boosterNames(o *pickle.Object, n int) []string {
	v, _ := o.Attr("feature_names")
	list, ok := v.(*pickle.List)
	if !ok || len(list.Items) != n || a.budget.Take(16*n) != nil {
		return nil
	}
	names := make([]string, n)
	for i, item := range list.Items {
		if names[i], ok = item.(string); !ok {
			return nil
		}
	}
	return names
}

// missing returns the wrapper's parameter missing, the number that marks a missing one.
func (a *attrs) missing() float32 {
	if !a.has("missing") {
		return float32(math.NaN())
	}
	return float32(a.float("missing"))
}

// classesOf returns a classifier's classes. Up to 1.5 they are in a LabelEncoder. Nil
// stands for 0, 1 and so on.
func (a *attrs) classesOf(b *xgboost.Booster) []string {
	if b.Predicts() == xgboost.Values {
		return nil
	}
	if encoder, ok := a.object.Attr("_le"); ok {
		if o, ok := encoder.(*pickle.Object); ok {
			classes, err := a.classNames(o)
			if err != nil {
				a.fail("%w", err)
			}
			return classes
		}
	}
	return nil
}

func (a *attrs) xgboostModel(b *xgboost.Booster, o xgboost.Options) *element {
	if a.err != nil {
		return nil
	}
	o.ZerosMissing = a.zerosMissing()
	m, err := b.Model(o)
	if err != nil {
		a.refuseForeign(err, xgboost.ErrUnsupported)
		return nil
	}
	a.note("xgboost", b.Version.String())
	a.note("booster", b.Kind)
	a.note("objective", b.Objective)
	a.note("trees", m.Trees())
	e := a.external(m)
	if e != nil && m.Finite() {
		e.accepts = finite32OrNaN
	}
	return e
}
