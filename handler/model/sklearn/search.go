package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// loadBest loads a search, such as GridSearchCV: it stands for the estimator
// that it found best.
func loadBest(a *attrs) *element {
	if !a.has("best_estimator_") {
		a.refuse("no best_estimator_", "fit it with refit=True")
		return nil
	}
	return a.standsFor("best_estimator_")
}

// standsFor loads the estimator that is an attribute, which this one is.
func (a *attrs) standsFor(name string) *element {
	e := a.nested(name, a.value(name))
	if a.err != nil {
		return nil
	}
	same := *e
	same.size += elementSize
	return &same
}

// target is TransformedTargetRegressor, or a regressor in a bundle with the scaler of
// its target: what it says, back through the transformer of what it was fitted on.
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
	said := a.take(n)
	if err := m.regressor.predict(outcome{pred: said}, x, n, a); err != nil {
		return err
	}
	return m.transformer.invert(out.pred, said, n, a)
}

// loadFrozen loads a FrozenEstimator, which is the estimator inside.
func loadFrozen(a *attrs) *element { return a.standsFor("estimator") }

// loadFitted loads RANSACRegressor, which is the estimator that it fitted on the rows
// that agree.
func loadFitted(a *attrs) *element { return a.standsFor("estimator_") }

// loadSelfTraining loads SelfTrainingClassifier, likewise.
func loadSelfTraining(a *attrs) *element {
	if a.has("estimator_") { // 1.6 and later
		return a.standsFor("estimator_")
	}
	return a.standsFor("base_estimator_")
}

// loadOnly loads MultiOutputRegressor, RegressorChain and the like of one output,
// which are the one estimator in them.
func loadOnly(a *attrs) *element {
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
