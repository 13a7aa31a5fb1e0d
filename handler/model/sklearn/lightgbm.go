package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/lightgbm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// loadLightGBMWrapper loads LGBMClassifier, LGBMRegressor and LGBMRanker of
// lightgbm.sklearn.
func loadLightGBMWrapper(a *attrs) *element {
	inner := a.inside("_Booster")
	if a.err != nil {
		return nil
	}
	var classes []string
	if encoder, ok := a.object.Attr("_le"); ok {
		o, ok := encoder.(*pickle.Object)
		if !ok {
			a.fail("_le is no LabelEncoder")
			return nil
		}
		var err error
		if classes, err = a.classNames(o); err != nil {
			a.fail("%w", err)
			return nil
		}
	}
	e := a.lightgbm(inner, classes)
	// Classifiers have decision_function since LightGBM 4.7. Only these versions write
	// this attribute.
	if _, ok := a.object.Attr("_fitted_with_feature_names"); ok && a.err == nil {
		e.predictor.(*external).decision = true
	}
	return e
}

// loadLightGBMBooster loads lightgbm.basic.Booster, pickled or saved as text.
func loadLightGBMBooster(a *attrs) *element { return a.lightgbm(a.object, nil) }

// lightgbm loads a pickled Booster. Its attribute _handle, before 4.0 handle, is the
// model as text. Its attribute best_iteration is 0 or -1 without early stopping.
func (a *attrs) lightgbm(o *pickle.Object, classes []string) *element {
	text, _ := o.Attr("_handle")
	if text == nil {
		text, _ = o.Attr("handle")
	}
	var data []byte
	switch text := text.(type) {
	case string:
		if err := a.budget.Take(len(text)); err != nil {
			a.fail("%w", err)
			return nil
		}
		data = []byte(text)
	case []byte:
		data = text
	default:
		a.fail("its Booster has no model: fit the estimator before writing it")
		return nil
	}
	b, err := lightgbm.Read(data, a.budget)
	if err != nil {
		a.refuseForeign(err, lightgbm.ErrUnsupported)
		return nil
	}
	options := lightgbm.Options{Classes: classes}
	if best, _ := o.Attr("best_iteration"); best != nil {
		if options.Iterations, err = numpy.Int(best); err != nil {
			a.fail("best_iteration: %w", err)
			return nil
		}
	}
	if classes != nil && b.Predicts() != lightgbm.Binary && b.Predicts() != lightgbm.Multi {
		a.refuse("the objective "+b.Objective(), "fit with the objective binary or multiclass")
		return nil
	}
	m, err := b.Model(options)
	if err != nil {
		a.refuseForeign(err, lightgbm.ErrUnsupported)
		return nil
	}
	a.note("objective", b.Objective())
	a.note("trees", m.Trees())
	return a.external(m)
}
