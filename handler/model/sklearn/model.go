package sklearn

import (
	"errors"
	"fmt"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// Model is a loaded estimator. It is safe for concurrent use.
type Model struct {
	root        *element
	description Description
	size        int
	scratch     sync.Pool // of *arena
}

// Detector returns nil if the model can predict, else an error, which wraps
// [ErrUnsupported], that says why not.
func (m *Model) Detector() error {
	if m.root.detector != nil {
		return nil
	}
	return fmt.Errorf("%w: %s is no anomaly detector: the last step has to be one of %s", ErrUnsupported, m.root.label, detectorNames())
}

// Features returns the number of columns that a row has to have
// (n_features_in_).
func (m *Model) Features() int { return m.root.in }

// Size returns about how many bytes the model holds.
func (m *Model) Size() int { return m.size }

// Predict scores the rows of x, which is row-major: n rows of Features
// numbers. It sets score[i] to the decision_function of row i, and pred[i] to
// 1 where predict gives -1, an anomaly, and to 0 where it gives 1; both have
// length n. Where scikit-learn would raise an error for a number in x, NaN for
// instance, Predict returns one that names the row; pred and score are then of
// no use.
func (m *Model) Predict(pred []uint8, score []float64, x []float64) error {
	if err := m.Detector(); err != nil {
		return err
	}
	if len(pred) != len(score) {
		return fmt.Errorf("predict: room for %d predictions but %d scores", len(pred), len(score))
	}
	return m.chunks(len(score), x, func(from, to int, rows []float64, a *arena) error {
		return m.root.detect(pred[from:to], score[from:to], rows, a)
	})
}

// ScoreSamples sets dst[i] to the score_samples of row i of x, which is
// row-major: len(dst) rows of Features numbers. Where the model's version of
// scikit-learn has no score_samples, the error wraps [ErrUnsupported].
func (m *Model) ScoreSamples(dst, x []float64) error {
	if err := m.Detector(); err != nil {
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

// Limit makes the model use no vector instructions beyond max, for every
// kernel in it. The scores are the same bits. It must not be called while the
// model scores.
func (m *Model) Limit(max svm.Instructions) {
	for e := m.root; e != nil; {
		switch d := e.detector.(type) {
		case *oneClassSVM:
			d.OneClass.Limit(max)
			return
		case *pipeline:
			e = d.last
		default:
			return
		}
	}
}
