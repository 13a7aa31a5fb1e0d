package xgboost

import (
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// Options say how a Booster is asked.
type Options struct {
	// Missing is the number in rows that is none, beside NaN; NaN for no other.
	Missing float32
	// Iterations is how many are used, as of iteration_range=(0, Iterations), or
	// before 1.4 of ntree_limit; 0 for all.
	Iterations int
	// Inplace says that it is inplace_predict that is asked, as the wrappers for
	// scikit-learn do from 1.4 on. It adds the trees of dart up otherwise, and
	// accepts infinite numbers.
	Inplace bool
	// Classes are a classifier's, as Python prints them; if nil, 0, 1 and so on.
	Classes []string
}

// Where versions differ in what they compute.
const (
	addsToBase    Version = 103 // the sum of the trees begins with the base_score, not with 0
	dartInTurn    Version = 104 // dart's, too
	dartWeighted  Version = 303 // inplace_predict of dart is as that of others
	sigmoidGuards Version = 106 // against exp that is infinite
	rawIdentity   Version = 103 // base_score of binary:logitraw is a margin
	checksInf     Version = 104 // a DMatrix has no infinite numbers
)

// Model is a [predict.Model] of what a Booster gives. It is safe for concurrent
// use.
type Model struct {
	predicts          Kind
	classes, names    []string
	features, outputs int
	missing           float32
	finite            bool // infinite numbers are refused
	base              []float32
	forest            *forest.Values[float32, float32]
	trees             int       // that are used
	sumFirst          bool      // the base_score comes after the trees
	weights           []float32 // of gblinear: a row for each feature, the biases last
	link              link
	guards            bool // of the sigmoid
	byMargin          bool // multi:softmax: the class of the largest margin, not probability
	scratch           sync.Pool
}

// Model returns what computes b's predictions.
func (b *Booster) Model(o Options) (*Model, error) {
	m := &Model{features: b.Features, outputs: b.Outputs(), missing: o.Missing, guards: b.Version >= sigmoidGuards}
	m.finite = !o.Inplace && b.Version >= checksInf && !math.IsInf(float64(o.Missing), 0)
	m.scratch.New = func() any { return new(scratch) }
	objective, err := b.objective()
	if err != nil {
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	if err := m.describe(objective, b.FeatureNames, o.Classes); err != nil {
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	m.base = make([]float32, m.outputs)
	for i, v := range b.baseScore {
		if m.base[i], err = objective.margin(v, b.Version); err != nil {
			return nil, fmt.Errorf("XGBoost model: %w", err)
		}
	}
	if b.Kind == "gblinear" {
		m.weights = b.weights
		return m, nil
	}
	m.sumFirst = b.Version < addsToBase || b.Kind == "dart" && b.Version < dartInTurn
	trees := make([]forest.ValueTree[float32, float32], len(b.trees))
	for i, t := range b.trees {
		trees[i] = forest.ValueTree[float32, float32]{Nodes: t.nodes, Values: t.values, Output: int(b.groups[i])}
		if len(b.drop) > 0 && trees[i].Output >= 0 && trees[i].Output < m.outputs {
			base := float32(0)
			if o.Inplace && b.Version >= dartInTurn && b.Version < dartWeighted {
				base = m.base[trees[i].Output]
			}
			trees[i].Values = weigh(t.values, b.drop[i], base)
		}
	}
	if m.forest, err = forest.NewValues(m.features, m.outputs, 1, trees); err != nil {
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	m.trees = b.iterations(o.Iterations)
	return m, nil
}

// weigh returns what dart adds for a tree's leaves. Where it asks the tree by
// inplace_predict, it has the base_score in it, and takes it out again.
func weigh(values []float32, weight, base float32) []float32 {
	weighted := make([]float32, len(values))
	for i, v := range values {
		if base != 0 {
			v = (base + v) - base
		}
		weighted[i] = float32(v * weight)
	}
	return weighted
}

// BestIteration returns how many iterations early stopping has left, by the
// model's own attribute; 0 if there was none.
func (b *Booster) BestIteration() int {
	n, err := strconv.Atoi(b.Attributes["best_iteration"])
	if err != nil || n < 0 {
		return 0
	}
	return n + 1
}

// Size returns about how many bytes m holds.
func (m *Model) Size() int {
	size := 512 + 4*len(m.weights)
	if m.forest != nil {
		size += m.forest.Size()
	}
	return size
}

type scratch struct{ x, sums []float32 }

// of returns room for n numbers.
func room(v *[]float32, n int) []float32 {
	if cap(*v) < n {
		*v = make([]float32, n)
	}
	return (*v)[:n]
}

// margins sets dst, rows of so many outputs, to what the trees give for the rows
// of x, as of predict with output_margin=True.
func (m *Model) margins(dst, rows []float32) {
	if m.forest == nil {
		m.linear(dst, rows)
		return
	}
	if m.sumFirst {
		clear(dst)
	} else {
		m.fill(dst)
	}
	m.forest.Add(dst, rows, m.trees)
	if m.sumFirst {
		for i := range dst {
			dst[i] = m.base[i%m.outputs] + dst[i]
		}
	}
}

func (m *Model) fill(dst []float32) {
	for i := range dst {
		dst[i] = m.base[i%m.outputs]
	}
}

// convert rounds x to float32. What is missing becomes NaN.
func (m *Model) convert(dst []float32, x []float64) {
	nan := float32(math.NaN())
	for i, v := range x {
		f := float32(v)
		if f == m.missing {
			f = nan
		}
		dst[i] = f
	}
}

// linear is GBLinear::Pred: missing numbers add nothing.
func (m *Model) linear(dst, x []float32) {
	n := m.outputs
	bias := m.weights[m.features*n:]
	for row := 0; row*m.features < len(x); row++ {
		for k := range n {
			sum := bias[k] + m.base[0]
			for c, v := range x[row*m.features : (row+1)*m.features] {
				if v == v {
					sum += float32(v * m.weights[c*n+k])
				}
			}
			dst[row*n+k] = sum
		}
	}
}

// transform makes of margins what predict gives: probabilities of classes, or of
// the second of two, or values.
func (m *Model) transform(v []float32) {
	switch m.link {
	case logistic:
		for i, x := range v {
			v[i] = m.sigmoid(x)
		}
	case exponential:
		for i, x := range v {
			v[i] = libm.Exp32(x)
		}
	case step:
		for i, x := range v {
			if v[i] = 0; x > 0 {
				v[i] = 1
			}
		}
	case softmax:
		for ; len(v) > 0; v = v[m.outputs:] {
			normalise(v[:m.outputs])
		}
	}
}

// sigmoid is Sigmoid in src/common/math.h.
func (m *Model) sigmoid(x float32) float32 {
	if !m.guards {
		return 1 / (1 + libm.Exp32(-x))
	}
	return 1 / (libm.Exp32(min(-x, 88.7)) + 1 + 1e-16)
}

// normalise is Softmax in src/common/math.h.
func normalise(v []float32) {
	most := v[0]
	for _, x := range v[1:] {
		most = max(most, x)
	}
	sum := 0.0
	for i, x := range v {
		v[i] = libm.Exp32(x - most)
		sum += float64(v[i])
	}
	for i := range v {
		v[i] /= float32(sum)
	}
}
