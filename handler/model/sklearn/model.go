package sklearn

import (
	"errors"
	"fmt"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// Model is a loaded estimator. It is safe for concurrent use.
type Model struct {
	root        *element
	threshold   *Threshold
	members     []Member
	description Description
	size        int
	scratch     sync.Pool // of *arena
}

// Predicts returns nil if the model can predict, else an error, which wraps
// [ErrUnsupported], that says why not: it is a transformer.
func (m *Model) Predicts() error {
	if m.root.predictor != nil {
		return nil
	}
	return &unsupported{m.root.label + " alone is not supported: it prepares rows, but judges none: write one Pipeline of it and the model, or put both files into one folder"}
}

// Detects returns nil if the model can tell anomalies, else an error, which
// wraps [ErrUnsupported] or [predict.ErrNoLimit], that says why not.
func (m *Model) Detects() error {
	if m.root.predictor != nil && m.root.kind == predict.Detector {
		return predict.Check(m)
	}
	if err := m.Predicts(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s is a %v, no anomaly detector: the last step has to be one of %s", ErrUnsupported, m.root.label, m.root.kind, names(detectors))
}

// Kind returns what the model's predictions are.
func (m *Model) Kind() predict.Kind { return m.root.kind }

// FeatureNames returns the names of the columns of the DataFrame that the model
// was fitted on, or nil.
func (m *Model) FeatureNames() []string { return m.description.FeatureNames }

// Classes returns a classifier's classes as Python prints them, else nil.
func (m *Model) Classes() []string {
	if m.root.classes == nil {
		return nil
	}
	return m.root.classes.names
}

// NeedsLimit reports a detector whose scores have no limit from which on a row
// is an anomaly.
func (m *Model) NeedsLimit() bool { return m.root.unlimited }

// Anomalies says which of a detector's scores are anomalies.
func (m *Model) Anomalies() predict.Side { return m.root.anomalies }

// Threshold returns the score that stands beside the model, in the dict that it is
// kept in, as the one from which on a row is an anomaly; nil if there is none.
// Predict does not use it.
func (m *Model) Threshold() *Threshold { return m.threshold }

// Members returns what of a dict, tuple, list or folder was taken, the estimators
// last and in order; nil if the file is none.
func (m *Model) Members() []Member { return m.members }

// Features returns the number of columns that a row has to have
// (n_features_in_).
func (m *Model) Features() int { return m.root.in }

// Size returns about how many bytes the model holds.
func (m *Model) Size() int { return m.size }

// Predict scores the rows of x, which is row-major: rows of Features numbers.
// A detector's predictions are 1 where predict gives -1, an anomaly, and 0 where
// it gives 1; its scores are what decision_function gives. Where scikit-learn
// would raise an error for a number in x, NaN for instance, Predict returns one
// that names the row; r is then of no use.
func (m *Model) Predict(r *predict.Result, x []float64) error {
	if err := m.Predicts(); err != nil {
		return err
	}
	n := len(x) / m.root.in
	r.Resize(n, m.root.scores, m.root.probabilities)
	all := outcome{pred: r.Predictions}
	if m.root.scores > 0 {
		all.score = r.Scores
	}
	if m.root.probabilities > 0 {
		all.proba = r.Probabilities
	}
	return m.chunks(n, x, func(from, to int, rows []float64, a *arena) error {
		return m.root.predict(all.part(from, to, n), rows, to-from, a)
	})
}

// PredictTogether is Predict of the rows of x as the library scores them in one
// call. That is not the same where it lets a row's score depend on the others of
// the call, as PyOD does in ECOD and COPOD: then [Model.DependsOnOthers]. Predict
// scores each row alone.
func (m *Model) PredictTogether(r *predict.Result, x []float64) error {
	if !m.DependsOnOthers() {
		return m.Predict(r, x)
	}
	if err := m.Predicts(); err != nil {
		return err
	}
	n := len(x) / m.root.in
	if n == 0 || len(x) != n*m.root.in {
		return m.Predict(r, x)
	}
	r.Resize(n, m.root.scores, m.root.probabilities)
	a := &arena{together: true}
	if err := m.root.predict(outcome{r.Predictions, r.Scores, r.Probabilities}, x, n, a); err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	return nil
}

// DependsOnOthers reports a model that scores a row in its library by the other rows
// of the same call too.
func (m *Model) DependsOnOthers() bool {
	for e := m.root; e != nil; {
		switch p := e.predictor.(type) {
		case *pipeline:
			e = p.last
		case *pyod:
			_, depends := p.scorer.(*ecdf)
			return depends
		default:
			return false
		}
	}
	return false
}

// ScoreSamples sets dst[i] to the score_samples of row i of x, which is
// row-major: len(dst) rows of Features numbers. Where the model's version of
// scikit-learn has no score_samples, the error wraps [ErrUnsupported].
func (m *Model) ScoreSamples(dst, x []float64) error {
	if err := m.Predicts(); err != nil {
		return err
	}
	return m.chunks(len(dst), x, func(from, to int, rows []float64, a *arena) error {
		return m.root.scoreSamples(dst[from:to], rows, a)
	})
}

// chunkNumbers is about how many numbers of a chunk are in flight at each
// step, so that they stay in the processor's caches.
const chunkNumbers = 4096

// chunks calls score with successive chunks of the n rows of x.
func (m *Model) chunks(n int, x []float64, score func(from, to int, rows []float64, a *arena) error) error {
	width := m.root.in
	if len(x) != n*width {
		return fmt.Errorf("predict: %d numbers are not %d rows of %d features", len(x), n, width)
	}
	a, _ := m.scratch.Get().(*arena)
	if a == nil {
		a = new(arena)
	}
	defer m.scratch.Put(a)
	step := max(1, chunkNumbers/width)
	for from := 0; from < n; from += step {
		to := min(n, from+step)
		err := score(from, to, x[from*width:to*width], a)
		a.release(0)
		var bad *inputError
		if errors.As(err, &bad) {
			bad.row += from
		}
		if err != nil {
			return fmt.Errorf("predict: %w", err)
		}
	}
	return nil
}

// Use makes every kernel in the model use these instructions: see
// [svm.OneClass.Use]. The scores are the same bits. It must not be called while the
// model scores.
func (m *Model) Use(i svm.Instructions) {
	for e := m.root; e != nil; {
		switch d := e.predictor.(type) {
		case *oneClassSVM:
			d.OneClass.Use(i)
			return
		case *pipeline:
			e = d.last
		default:
			return
		}
	}
}
