package sklearn

import (
	"errors"
	"fmt"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// external makes an estimator of a model that another package has read.
type external struct {
	predict.Model
	decision bool      // a classifier that has decision_function in Python
	results  sync.Pool // of *predict.Result
}

// newExternal returns m as an estimator. It predicts a row of zeros to learn how many
// scores and probabilities a row has.
func newExternal(m predict.Model) (*element, error) {
	var r predict.Result
	if err := m.Predict(&r, make([]float64, m.Features())); err != nil {
		return nil, fmt.Errorf("a row of zeros cannot be predicted: %w", err)
	}
	e := &element{predictor: &external{Model: m}, in: m.Features(), out: m.Features(), size: m.Size(), label: "the model", accepts: anyNumber}
	e.role = role{kind: m.Kind(), scores: len(r.Scores), probabilities: len(r.Probabilities), anomalies: predict.SideOf(m)}
	if u, ok := m.(predict.Unlimited); ok {
		e.unlimited = u.NeedsLimit()
	}
	if classes := m.Classes(); classes != nil {
		e.classes = &labels{names: classes}
	}
	return e, nil
}

// external returns m as an estimator, and its description.
func (l *loader) external(m predict.Model) (*element, Step, error) {
	e, err := newExternal(m)
	if err != nil {
		return nil, Step{}, err
	}
	if l.names == nil {
		l.names = m.FeatureNames()
	}
	return e, Step{Class: m.Kind().String()}, nil
}

func (e *external) predict(out outcome, x []float64, _ int, _ *arena) error {
	r, _ := e.results.Get().(*predict.Result)
	if r == nil {
		r = new(predict.Result)
	}
	defer e.results.Put(r)
	if err := e.Predict(r, x); err != nil {
		return err
	}
	copy(out.pred, r.Predictions)
	copy(out.score, r.Scores)
	copy(out.proba, r.Probabilities)
	return nil
}

// decides reports whether e has decision_function in Python. Most classifiers of other
// libraries have not: their margins are scores here, but an estimator of scikit-learn
// around them calls predict_proba.
func (e *element) decides() bool {
	switch p := e.predictor.(type) {
	case *external:
		return e.scores > 0 && (p.decision || p.Kind() == predict.Detector)
	case *pipeline:
		return p.last.decides()
	}
	return e.scores > 0
}

// single reports whether e's predictions are of type float32 in Python, as those of
// XGBoost are, and of neighbours whose targets are.
func (e *element) single() bool {
	switch p := e.predictor.(type) {
	case *external:
		_, ok := p.Model.(*xgboost.Model)
		return ok
	case *pipeline:
		return p.last.single()
	case *target:
		return p.regressor.single()
	case *nearestRows:
		return p.single
	case *withinRadius:
		return p.single
	}
	return false
}

// external returns m, a model of another library, as an estimator.
func (a *attrs) external(m predict.Model) *element {
	if a.err != nil {
		return nil
	}
	e, err := newExternal(m)
	if err != nil {
		a.fail("%w", err)
		return nil
	}
	if names := m.FeatureNames(); names != nil && a.loader.names == nil {
		a.loader.names = names
	}
	return e
}

// refuseForeign keeps the error of another library's reader. If err wraps
// unsupportedThere, the kept error wraps [ErrUnsupported].
func (a *attrs) refuseForeign(err, unsupportedThere error) {
	if a.err != nil {
		return
	}
	if errors.Is(err, unsupportedThere) {
		a.err = &unsupported{a.class + inStep(a.step) + ": " + err.Error()}
		return
	}
	a.fail("%w", err)
}
