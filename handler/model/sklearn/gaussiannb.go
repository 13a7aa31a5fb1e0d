package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// gaussianNB is sklearn.naive_bayes.GaussianNB.
type gaussianNB struct {
	role
	theta, variance []float64 // a row for each class
	constant        []float64 // two numbers per class, added to the log-likelihood
	width           int
}

func loadGaussianNB(a *attrs) *element {
	m := &gaussianNB{role: classifies(a.labels("classes_"), false, true)}
	classes := exactly(len(m.classes.names), "classes")
	m.theta = a.matrix("theta_", classes, &a.in)
	name := "var_"
	if a.version < 100 {
		name = "sigma_"
	}
	m.variance = a.matrix(name, classes, &a.in)
	prior := a.vector("class_prior_", classes)
	if a.err != nil {
		return nil
	}
	m.width = a.in.n
	for _, v := range m.variance {
		if v <= 0 {
			a.fail("%s has a %v: variances are above 0", name, v)
		}
	}
	// Fitted on float32 since 1.9: what does not depend on the row is computed in float32.
	single := a.isFloat32(name)
	logs := make([]float64, m.width)
	for i, p := range prior {
		if p < 0 {
			a.fail("class_prior_ is %v at %d", p, i)
		}
		for j := range logs {
			logs[j] = log(rounded(rounded(2*math.Pi, single)*m.variance[i*m.width+j], single), single)
		}
		total := pairwiseSum(logs)
		if single {
			total = sum32(logs)
		}
		m.constant = append(m.constant, log(p, a.isFloat32("class_prior_")), -0.5*total)
	}
	return &element{role: m.role, predictor: m, size: 16 * len(m.theta)}
}

func (m *gaussianNB) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes := m.probabilities
	terms := a.take(m.width)
	for i := range n {
		row, joint := x[i*m.width:(i+1)*m.width], out.proba[i*classes:(i+1)*classes]
		for c := range joint {
			for j, v := range row {
				d := v - m.theta[c*m.width+j]
				terms[j] = float64(d*d) / m.variance[c*m.width+j]
			}
			joint[c] = m.constant[2*c] + (m.constant[2*c+1] - 0.5*pairwiseSum(terms))
		}
		out.pred[i] = float64(argmax(joint))
		total := logOfSum(joint)
		for c, v := range joint {
			joint[c] = libm.Exp(v - total)
		}
	}
	return nil
}
