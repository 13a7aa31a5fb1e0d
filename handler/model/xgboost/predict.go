package xgboost

import (
	"fmt"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// describe sets the fields of m that depend on the objective and the classes.
func (m *Model) describe(o objective, names, classes []string) error {
	m.predicts, m.link, m.names, m.byMargin = o.kind, o.link, names, o.name == "multi:softmax"
	if o.kind == Values {
		return nil
	}
	n := max(2, m.outputs)
	if classes == nil {
		for i := range n {
			classes = append(classes, strconv.Itoa(i))
		}
	}
	if len(classes) != n {
		return fmt.Errorf("%d names for %d classes", len(classes), n)
	}
	m.classes = classes
	return nil
}

// Kind implements [predict.Model].
func (m *Model) Kind() predict.Kind {
	if m.predicts == Values {
		return predict.Regressor
	}
	return predict.Classifier
}

// Features implements [predict.Model].
func (m *Model) Features() int { return m.features }

// FeatureNames implements [predict.Model].
func (m *Model) FeatureNames() []string { return m.names }

// Classes implements [predict.Model].
func (m *Model) Classes() []string { return m.classes }

// Trees returns the number of trees that are used.
func (m *Model) Trees() int { return m.trees }

// Finite reports whether XGBoost raises an error for an infinite number in a row. Predict
// does not check it.
func (m *Model) Finite() bool { return m.finite }

// Predict implements [predict.Model]. The scores of a classifier are its margins: one for
// two classes, else one for each class. Its prediction is that of XGBClassifier: the second
// of two classes if its probability is above 1/2, or the most probable of several classes,
// the first of equally probable ones. A regressor has no scores.
func (m *Model) Predict(r *predict.Result, x []float64) error {
	n := len(x) / m.features
	if n*m.features != len(x) {
		return fmt.Errorf("predict: %d numbers are no rows of %d features", len(x), m.features)
	}
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	rows, sums := room(&s.x, len(x)), room(&s.sums, n*m.outputs)
	m.convert(rows, x)
	m.margins(sums, rows)
	switch m.predicts {
	case Values:
		r.Resize(n, 0, 0)
		m.transform(sums)
		widen(r.Predictions, sums)
		return nil
	case Binary:
		r.Resize(n, 1, 2)
	case Multi:
		r.Resize(n, m.outputs, m.outputs)
	case Unscaled:
		r.Resize(n, 1, 0)
	}
	widen(r.Scores, sums)
	if m.byMargin {
		m.largest(r.Predictions, sums)
	}
	m.transform(sums)
	if m.predicts == Multi {
		widen(r.Probabilities, sums)
		if !m.byMargin {
			m.largest(r.Predictions, sums)
		}
		return nil
	}
	for i, p := range sums {
		r.Predictions[i] = 0
		if p > 0.5 {
			r.Predictions[i] = 1
		}
		if m.predicts == Binary {
			r.Probabilities[2*i], r.Probabilities[2*i+1] = float64(1-p), float64(p)
		}
	}
	return nil
}

func widen(dst []float64, src []float32) {
	for i, v := range src {
		dst[i] = float64(v)
	}
}

// largest sets dst to the position of the largest number in each row of v, the first of
// equal ones.
func (m *Model) largest(dst []float64, v []float32) {
	for i := range dst {
		row, best := v[i*m.outputs:(i+1)*m.outputs], 0
		for k, x := range row {
			if x > row[best] {
				best = k
			}
		}
		dst[i] = float64(best)
	}
}
