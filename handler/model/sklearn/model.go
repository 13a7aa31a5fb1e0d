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

// Predicts returns nil if the model can predict. If it is only a transformer, it returns
// an error that says so and wraps [ErrUnsupported].
func (m *Model) Predicts() error {
	if m.root.predictor != nil {
		return nil
	}
	return &unsupported{m.root.label + " alone is not supported: it only transforms rows: write one Pipeline of it and the model, or put both files into one folder"}
}

// Detects returns nil if the model can detect anomalies. Otherwise it returns an error
// that says why not. The error wraps [ErrUnsupported] or [predict.ErrNoLimit].
func (m *Model) Detects() error {
	if m.root.predictor != nil && m.root.kind == predict.Detector {
		return predict.Check(m)
	}
	if err := m.Predicts(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s is a %v, and the model of one sensor has to detect anomalies: for rows of several sensors put a features file beside it that names its columns, or fit it on a DataFrame whose columns are sensors", ErrUnsupported, m.root.label, m.root.kind)
}

// Kind returns what the model's predictions are.
func (m *Model) Kind() predict.Kind { return m.root.kind }

// FeatureNames returns the names of the columns of the DataFrame that the model
// was fitted on, or nil.
func (m *Model) FeatureNames() []string { return m.description.FeatureNames }

// Classes returns a classifier's classes as Python's print writes them, or nil.
func (m *Model) Classes() []string {
	if m.root.classes == nil {
		return nil
	}
	return m.root.classes.names
}

// NeedsLimit reports whether the model is a detector without a threshold of its own.
func (m *Model) NeedsLimit() bool { return m.root.unlimited }

// Anomalies says which of a detector's scores are anomalies.
func (m *Model) Anomalies() predict.Side { return m.root.anomalies }

// Threshold returns the threshold that stands beside the model in a dict, or nil. Predict
// does not use it.
func (m *Model) Threshold() *Threshold { return m.threshold }

// Members returns the members of a dict, tuple, list or folder that the model uses. The
// estimators are last, in the order of their application. It returns nil if the file is
// an estimator.
func (m *Model) Members() []Member { return m.members }

// Features returns the number of columns of a row (n_features_in_).
func (m *Model) Features() int { return m.root.in }

// Size returns about how many bytes of memory the model takes.
func (m *Model) Size() int { return m.size }

// Predict scores the rows of x, which is row-major: rows of [Model.Features] numbers.
// A detector's prediction is 1, an anomaly, where scikit-learn's predict returns -1, and
// 0 where it returns 1. Its scores are those of decision_function. Where scikit-learn
// raises an error for a number in x, NaN for instance, Predict returns an error that
// names the row. The content of r is then undefined.
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
		return m.root.predict(all.rows(from, to, n), rows, to-from, a)
	})
}

// PredictTogether is like [Model.Predict], but scores the rows as the library does when
// it gets all of them in one call. The two differ only if [Model.DependsOnOthers] is
// true: Predict scores each row as if it were alone.
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

// DependsOnOthers reports whether the library's score of a row depends on the other rows
// of the same call, as in PyOD's ECOD and COPOD.
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

// ScoreSamples sets dst[i] to score_samples of row i of x, which is row-major: len(dst)
// rows of [Model.Features] numbers. If the model has no score_samples in its version of
// scikit-learn, the error wraps [ErrUnsupported].
func (m *Model) ScoreSamples(dst, x []float64) error {
	if err := m.Predicts(); err != nil {
		return err
	}
	return m.chunks(len(dst), x, func(from, to int, rows []float64, a *arena) error {
		return m.root.scoreSamples(dst[from:to], rows, a)
	})
}

// chunkNumbers is about how many numbers a chunk of rows has, so that it stays in the
// processor's caches from step to step.
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

// Use sets the processor instructions that a OneClassSVM computes its kernel with: see
// [svm.OneClass.Use]. The scores do not depend on them. It must not be called while the
// model scores rows.
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
