package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// loadBest loads a search, GridSearchCV for instance, as the best estimator that it found.
func loadBest(a *attrs) *element {
	if !a.has("best_estimator_") {
		a.refuse("no best_estimator_", "fit it before writing it, with refit=True")
		return nil
	}
	return a.delegate("best_estimator_")
}

// delegate loads the estimator in an attribute. The estimator that a reads predicts and
// transforms with it.
func (a *attrs) delegate(name string) *element {
	e := a.nested(name, a.value(name))
	if a.err != nil {
		return nil
	}
	same := *e
	same.size += elementSize
	return &same
}

// target is TransformedTargetRegressor, or a regressor in a bundle with the transformer of
// its target. It applies the inverse of the transformer to the regressor's predictions.
type target struct {
	regressor, transformer *element
}

func loadTransformedTarget(a *attrs) *element {
	m := &target{a.nested("regressor_", a.value("regressor_")), a.nested("transformer_", a.value("transformer_"))}
	switch {
	case a.err != nil:
		return nil
	case m.regressor.predictor == nil || m.regressor.kind != predict.Regressor:
		a.fail("%s is no regressor", m.regressor.label)
	case !m.transformer.fits(1) || !m.transformer.invertible():
		a.refuse("a transformer whose inverse is not known", "use func and inverse_func of numpy, or a scaler")
	}
	return &element{role: regresses, predictor: m, in: m.regressor.in, accepts: anyNumber, size: m.regressor.size + m.transformer.size}
}

func (m *target) predict(out outcome, x []float64, n int, a *arena) error {
	if out.pred == nil {
		return nil
	}
	defer a.release(a.used)
	predicted := a.take(n)
	if err := m.regressor.predict(outcome{pred: predicted}, x, n, a); err != nil {
		return err
	}
	return m.transformer.invert(out.pred, predicted, n, m.regressor.single(), a)
}

// loadFrozen loads a FrozenEstimator.
func loadFrozen(a *attrs) *element { return a.delegate("estimator") }

// loadRANSAC loads RANSACRegressor.
func loadRANSAC(a *attrs) *element { return a.delegate("estimator_") }

// loadSelfTraining loads SelfTrainingClassifier.
func loadSelfTraining(a *attrs) *element {
	if a.has("estimator_") { // 1.6 and later
		return a.delegate("estimator_")
	}
	return a.delegate("base_estimator_")
}

// loadSingleOutput loads MultiOutputRegressor, RegressorChain or a similar class. With one
// output it predicts like the one estimator in it. Several outputs are refused.
func loadSingleOutput(a *attrs) *element {
	items := a.items("estimators_")
	if a.err == nil && len(items) != 1 {
		a.refuse(fmt.Sprintf("%d outputs", len(items)), oneOutput)
	}
	if a.err != nil {
		return nil
	}
	e := a.nested("0", items[0])
	if a.err != nil {
		return nil
	}
	same := *e
	same.size += elementSize
	return &same
}
