package lightgbm

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Options are arguments of LightGBM's predict.
type Options struct {
	// Iterations is num_iteration, the number of iterations that are used. 0 means all.
	Iterations int
	// Classes are a classifier's classes as Python's print writes them. Nil means 0, 1 and
	// so on.
	Classes []string
}

// Model predicts like a Booster. It is a [predict.Model], and safe for concurrent use.
type Model struct {
	features, outputs, iterations int
	names, classes                []string
	objective                     objective
	average                       bool
	forest                        *forest.Values[float64, float64]
	encoders                      []encoder
	scratch                       sync.Pool // of *[]float64
}

// encoder replaces the categories of a column by their codes.
type encoder struct {
	column int
	codes  map[float64]float64
}

// Model returns the model that predicts like b.
func (b *Booster) Model(o Options) (*Model, error) {
	m := &Model{features: b.Features, outputs: b.outputs, names: b.FeatureNames, objective: b.objective, average: b.average}
	m.scratch.New = func() any { return new([]float64) }
	if b.objective.kind == Raw && b.outputs > 1 {
		return nil, fmt.Errorf("LightGBM model: %w", unsupported("a user-defined objective with several outputs", "fit with multiclass"))
	}
	if n := max(2, b.outputs); b.objective.kind == Binary || b.objective.kind == Multi {
		if m.classes = o.Classes; m.classes == nil {
			for i := range n {
				m.classes = append(m.classes, strconv.Itoa(i))
			}
		}
		if len(m.classes) != n {
			return nil, fmt.Errorf("LightGBM model: %d names for %d classes", len(m.classes), n)
		}
	}
	for i, list := range b.categories {
		e := encoder{b.categorical[i], make(map[float64]float64, len(list))}
		for k, v := range list {
			e.codes[v] = float64(k)
		}
		m.encoders = append(m.encoders, e)
	}
	trees := make([]forest.ValueTree[float64, float64], len(b.trees))
	for i, t := range b.trees {
		trees[i] = forest.ValueTree[float64, float64]{Nodes: t.nodes, Values: t.values, Output: i % b.outputs}
	}
	var err error
	if m.forest, err = forest.NewValues(b.Features, b.outputs, 1, trees); err != nil {
		return nil, fmt.Errorf("LightGBM model: %w", err)
	}
	m.iterations = len(trees) / b.outputs
	if o.Iterations > 0 {
		m.iterations = min(m.iterations, o.Iterations)
	}
	return m, nil
}

// Predicts returns the kind of the objective's predictions.
func (b *Booster) Predicts() Kind { return b.objective.kind }

// Objective returns the objective's name.
func (b *Booster) Objective() string { return b.objective.name }

// Kind implements [predict.Model].
func (m *Model) Kind() predict.Kind {
	if m.classes == nil {
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
func (m *Model) Trees() int { return m.iterations * m.outputs }

// Size returns about how many bytes of memory m takes.
func (m *Model) Size() int {
	size := 512 + m.forest.Size()
	for _, e := range m.encoders {
		size += 64 * len(e.codes)
	}
	return size
}

// Predict implements [predict.Model]. The scores of a classifier are those of
// raw_score=True: one for two classes, else one for each class. Its prediction is the most
// probable class, the first of equally probable ones. A regressor has no scores.
func (m *Model) Predict(r *predict.Result, x []float64) error {
	n := len(x) / m.features
	if n*m.features != len(x) {
		return fmt.Errorf("predict: %d numbers are no rows of %d features", len(x), m.features)
	}
	space := m.scratch.Get().(*[]float64)
	defer m.scratch.Put(space)
	x = m.convert(space, x)
	switch m.objective.kind {
	case Binary:
		r.Resize(n, 1, 2)
		m.sum(r.Scores, x)
		for i, s := range r.Scores {
			p := [1]float64{s}
			m.averaged(p[:])
			m.objective.transform(p[:], 1)
			r.Probabilities[2*i], r.Probabilities[2*i+1] = 1-p[0], p[0]
		}
	case Multi:
		r.Resize(n, m.outputs, m.outputs)
		m.sum(r.Scores, x)
		copy(r.Probabilities, r.Scores)
		m.averaged(r.Probabilities)
		m.objective.transform(r.Probabilities, m.outputs)
	default:
		r.Resize(n, 0, 0)
		m.sum(r.Predictions, x)
		m.averaged(r.Predictions)
		m.objective.transform(r.Predictions, m.outputs)
		return nil
	}
	width := len(m.classes)
	for i := range r.Predictions {
		row, best := r.Probabilities[i*width:(i+1)*width], 0
		for k, p := range row {
			if p > row[best] {
				best = k
			}
		}
		r.Predictions[i] = float64(best)
	}
	return nil
}

func (m *Model) sum(dst, x []float64) {
	clear(dst)
	m.forest.Add(dst, x, m.Trees())
}

// averaged divides sums by the number of iterations, with boosting='rf'.
func (m *Model) averaged(v []float64) {
	if !m.average {
		return
	}
	for i := range v {
		v[i] /= float64(m.iterations)
	}
}

// tiny is the largest number that LightGBM takes for 0: the float32 nearest to 1e-35
// (kZeroThreshold in include/LightGBM/meta.h).
const tiny = 0x1.a95a5cp-117

// convert returns x with tiny numbers replaced by 0, and categories of pandas by their codes
// or, if unknown, by NaN. It does not change x.
func (m *Model) convert(space *[]float64, x []float64) []float64 {
	isTiny := func(v float64) bool { return v != 0 && math.Abs(v) <= tiny }
	if m.encoders == nil && !slices.ContainsFunc(x, isTiny) {
		return x
	}
	if cap(*space) < len(x) {
		*space = make([]float64, len(x))
	}
	own := (*space)[:len(x)]
	copy(own, x)
	for _, e := range m.encoders {
		for i := e.column; i < len(own); i += m.features {
			code, ok := e.codes[own[i]]
			if !ok {
				code = math.NaN()
			}
			own[i] = code
		}
	}
	for i, v := range own {
		if isTiny(v) {
			own[i] = 0
		}
	}
	return own
}
