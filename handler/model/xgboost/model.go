package xgboost

import (
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// Options say how a Booster predicts.
type Options struct {
	// Missing is the number that marks a missing one, beside NaN. NaN means no other
	// number.
	Missing float32
	// ZerosMissing means that 0 marks a missing one too, as in a sparse matrix.
	ZerosMissing bool
	// Iterations is the number of iterations that are used: iteration_range=(0,
	// Iterations), or ntree_limit before 1.4. 0 means all.
	Iterations int
	// Inplace means inplace_predict, which the wrappers for scikit-learn call since 1.4.
	// It accepts infinite numbers, and rounds differently for dart.
	Inplace bool
	// Classes are a classifier's classes as Python's print writes them. Nil means 0, 1 and
	// so on.
	Classes []string
}

// The first versions with a different computation.
const (
	addsToBase    Version = 103 // the sum of the trees begins with base_score, not with 0
	dartInTurn    Version = 104 // the same for dart
	dartWeighted  Version = 303 // inplace_predict of dart rounds like predict: see weigh
	sigmoidGuards Version = 106 // the sigmoid limits the argument of exp
	rawIdentity   Version = 103 // base_score of binary:logitraw is a margin, not a probability
	checksInf     Version = 104 // a DMatrix refuses infinite numbers
)

// Model predicts like a Booster. It is a [predict.Model], and safe for concurrent use.
type Model struct {
	predicts          Kind
	classes, names    []string
	features, outputs int
	missing           float32
	zerosMissing      bool
	finite            bool      // infinite numbers are refused
	base              []float32 // per output: base_score as a margin
	forest            *forest.Values[float32, float32]
	trees             int       // the number of trees that are used
	sumFirst          bool      // base is added after the trees
	weights           []float32 // of gblinear: a row for each feature, then the biases
	link              link
	guards            bool // the sigmoid limits the argument of exp
	byMargin          bool // multi:softmax: the class with the largest margin, not probability
	scratch           sync.Pool
}

// Model returns the model that predicts like b.
func (b *Booster) Model(o Options) (*Model, error) {
	m := &Model{features: b.Features, outputs: b.Outputs(), missing: o.Missing, zerosMissing: o.ZerosMissing, guards: b.Version >= sigmoidGuards}
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

// weigh returns the values of a tree's leaves times the tree's weight in dart. From 1.4 to
// 3.2 inplace_predict adds the base score to a value and subtracts it again, which rounds
// the value. Otherwise base is 0.
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

// BestIteration returns the number of iterations up to the best one, by the attribute
// best_iteration. It returns 0 without early stopping.
func (b *Booster) BestIteration() int {
	n, err := strconv.Atoi(b.Attributes["best_iteration"])
	if err != nil || n < 0 {
		return 0
	}
	return n + 1
}

// Size returns about how many bytes of memory m takes.
func (m *Model) Size() int {
	size := 512 + 4*len(m.weights)
	if m.forest != nil {
		size += m.forest.Size()
	}
	return size
}

type scratch struct{ x, sums []float32 }

// room returns v with n numbers, and reallocates it if it is too small.
func room(v *[]float32, n int) []float32 {
	if cap(*v) < n {
		*v = make([]float32, n)
	}
	return (*v)[:n]
}

// margins sets dst to the results of predict with output_margin=True: a number for each
// output of each row.
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

// convert rounds x to float32, and replaces missing numbers by NaN.
func (m *Model) convert(dst []float32, x []float64) {
	nan := float32(math.NaN())
	for i, v := range x {
		f := float32(v)
		if f == m.missing || m.zerosMissing && v == 0 {
			f = nan
		}
		dst[i] = f
	}
}

// linear is GBLinear::Pred. Missing numbers are left out of the sum.
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

// transform replaces margins by predictions: values, the probability of the second of two
// classes, or the probability of each class.
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
