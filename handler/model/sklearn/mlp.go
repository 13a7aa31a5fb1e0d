package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// mlp is MLPClassifier or MLPRegressor.
type mlp struct {
	role
	layers  []linear
	hidden  func(v []float64) // the activation of all layers but the last
	output  func(v []float64) // the activation of the last layer, for one row
	outputs int
}

// activations change the numbers of a layer in place. All work on any number of rows, but
// softmax on one.
var activations = map[string]func(v []float64){
	"identity": func([]float64) {},
	"relu": func(v []float64) {
		for i, x := range v {
			v[i] = max(x, 0)
		}
	},
	"logistic": func(v []float64) {
		for i, x := range v {
			v[i] = expit(x)
		}
	},
	"tanh": func(v []float64) {
		for i, x := range v {
			v[i] = libm.Tanh(x)
		}
	},
	"softmax": softmax,
	"exp": func(v []float64) {
		for i, x := range v {
			v[i] = libm.Exp(x)
		}
	},
}

func loadMLPClassifier(a *attrs) *element {
	m := &mlp{role: classifies(a.binarized(), false, true)}
	outputs := len(m.classes.names)
	if a.err == nil && outputs < 2 {
		a.fail("it has one class: two at least are needed")
	}
	if outputs == 2 {
		outputs = 1
	}
	return a.mlp(m, outputs)
}

func loadMLPRegressor(a *attrs) *element {
	outputs := a.count("n_outputs_")
	if a.err != nil || outputs == 1 {
		return a.mlp(&mlp{role: regresses}, 1)
	}
	m := &autoencoder{mlp{role: regresses}}
	e := a.mlp(&m.mlp, outputs)
	if a.err == nil && outputs != a.in.n {
		a.refuse("several outputs", oneOutput+"; only an autoencoder, which is fitted to reproduce its rows, may have several: as many as columns")
	}
	if a.err != nil {
		return nil
	}
	return &element{transformer: m, size: e.size}
}

// autoencoder is an MLPRegressor with as many outputs as columns, fitted to reproduce its
// rows. As a detector its score is the mean squared difference between a row and the
// output. High scores are anomalies.
type autoencoder struct{ mlp }

func (m *autoencoder) scoringRole() role { return distant }

func (m *autoencoder) transform(dst, src []float64, n int, a *arena) error {
	return m.mlp.predict(outcome{pred: dst}, src, n, a)
}

func (m *autoencoder) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	clear(out.pred)
	if out.score == nil {
		return nil
	}
	back := a.take(len(x))
	if err := m.transform(back, x, n, a); err != nil {
		return err
	}
	for i, b := range back {
		back[i] = float64((x[i] - b) * (x[i] - b))
	}
	for i := range out.score {
		out.score[i] = pairwiseSum(back[i*m.outputs:(i+1)*m.outputs]) / float64(m.outputs)
	}
	return nil
}

func (a *attrs) mlp(m *mlp, outputs int) *element {
	weights, biases := a.items("coefs_"), a.items("intercepts_")
	if a.err == nil && (len(weights) == 0 || len(weights) != len(biases)) {
		a.fail("coefs_ are of %d layers, intercepts_ of %d", len(weights), len(biases))
	}
	m.hidden, m.output = activations[a.text("activation")], activations[a.text("out_activation_")]
	if a.err == nil && (m.hidden == nil || m.output == nil) {
		a.fail("an activation is none of scikit-learn's")
	}
	from := &a.in
	size := 0
	for i := range weights {
		to := &dim{what: "units"}
		if i == len(weights)-1 {
			to = exactly(outputs, "outputs")
		}
		by := a.matrixOf(fmt.Sprintf("coefs_[%d]", i), weights[i], from, to)
		bias := a.vectorOf(fmt.Sprintf("intercepts_[%d]", i), biases[i], to)
		if a.err != nil {
			return nil
		}
		m.layers = append(m.layers, linear{transposed(by, from.n), bias, from.n})
		size += 8 * (len(by) + len(bias))
		from = to
	}
	m.outputs = outputs
	if a.err != nil {
		return nil
	}
	return &element{role: m.role, predictor: m, size: size}
}

// transposed returns the transpose of a matrix, which has that many rows.
func transposed(m []float64, rows int) []float64 {
	t := make([]float64, 0, len(m))
	columns := len(m) / rows
	for j := range columns {
		for i := range rows {
			t = append(t, m[i*columns+j])
		}
	}
	return t
}

func (m *mlp) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	for i, l := range m.layers {
		y := a.take(n * len(l.intercept))
		l.into(y, x)
		if i < len(m.layers)-1 {
			m.hidden(y)
		}
		x = y
	}
	for i := range n {
		m.output(x[i*m.outputs : (i+1)*m.outputs])
	}
	switch {
	case m.kind == predict.Regressor:
		copy(out.pred, x)
	case m.outputs == 1:
		for i, p := range x {
			if out.proba != nil {
				twoClasses(out.proba[2*i:2*i+2], p)
			}
			if out.pred != nil {
				out.pred[i] = 0
				if p > 0.5 {
					out.pred[i] = 1
				}
			}
		}
	default:
		copy(out.proba, x)
		if out.pred != nil {
			mostProbable(out.pred, x)
		}
	}
	return nil
}
