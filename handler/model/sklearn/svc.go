package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// svr is sklearn.svm.SVR or NuSVR. Its prediction is libsvm's decision function.
type svr struct{ *svm.OneClass }

func loadSVR(a *attrs) *element {
	vectors := a.supportVectors(0)
	dual := a.sparseMatrix("_dual_coef_", exactly(1, "rows"), vectors.count)
	intercept := a.vector("_intercept_", exactly(1, "elements"))
	if a.err != nil {
		return nil
	}
	m := &svr{a.machine(vectors, vectors.rows, dual, intercept[0])}
	if a.err != nil {
		return nil
	}
	return &element{role: regresses, predictor: m, size: m.Size()}
}

func (s *svr) predict(out outcome, x []float64, _ int, _ *arena) error {
	if out.pred != nil {
		s.Decision(out.pred, x)
	}
	return nil
}

// supportVectors are the kernel and the rows that it is computed with.
type supportVectors struct {
	kernel svm.Kernel
	rows   []float64
	count  *dim
}

// supportVectors reads the kernel and the support vectors. Least is their smallest number,
// 0 or 1. SVR has no support vectors if all fitted rows are within epsilon.
func (a *attrs) supportVectors(least int) supportVectors {
	s := supportVectors{kernel: a.kernel(), count: &dim{what: "support vectors", none: least == 0}}
	s.rows = a.sparseMatrix("support_vectors_", s.count, &a.in)
	a.note("support_vectors", s.count.n)
	return s
}

// machine returns the decision function of some of the support vectors.
func (a *attrs) machine(s supportVectors, rows, dual []float64, intercept float64) *svm.OneClass {
	m, err := svm.NewOneClass(s.kernel, rows, a.in.n, dual, intercept)
	if err != nil {
		a.fail("%w", err)
	}
	return m
}

// svc is sklearn.svm.SVC or NuSVC. It has a decision function for each pair of classes, in
// the order (0,1), (0,2), … (1,2), …, and each pair votes for one of its classes.
type svc struct {
	role
	pairs    []*svm.OneClass
	probA    []float64 // per pair; nil without probabilities
	probB    []float64 // per pair
	rest     bool      // decision_function_shape='ovr'; false: 'ovo'
	byScores bool      // break_ties: the scores decide between classes with equal votes
}

func loadSVC(a *attrs) *element {
	m := &svc{role: classifies(a.labels("classes_"), true, false)}
	classes := len(m.classes.names)
	vectors := a.supportVectors(1)
	pairs := exactly(classes*(classes-1)/2, "pairs of classes")
	if a.err == nil && (classes < 2 || classes > 1000) {
		a.fail("classes_ is of %d classes: 2 to 1000 are supported", classes)
		return nil
	}
	dual := a.sparseMatrix("_dual_coef_", exactly(classes-1, "rows"), vectors.count)
	intercept := a.vector("_intercept_", pairs)
	name := "n_support_"
	if a.has("_n_support") {
		name = "_n_support"
	}
	of := a.vector(name, exactly(classes, "classes"))
	m.readProbabilities(a, pairs)
	if a.err != nil {
		return nil
	}
	starts := make([]int, classes+1)
	for i, n := range of {
		if n < 0 || n != math.Trunc(n) || n > float64(vectors.count.n) {
			a.fail("%s has %v at %d", name, n, i)
			return nil
		}
		starts[i+1] = starts[i] + int(n)
	}
	if starts[classes] != vectors.count.n {
		a.fail("%s are of %d support vectors, where there are %d", name, starts[classes], vectors.count.n)
		return nil
	}
	m.readPairs(a, vectors, dual, intercept, starts)
	if a.err != nil {
		return nil
	}
	if classes > 2 {
		if m.rest = a.value("decision_function_shape") != any("ovo"); !m.rest {
			m.scores = pairs.n
		}
		m.byScores = m.rest && a.boolOr("break_ties", false)
	}
	e := &element{role: m.role, predictor: m}
	for _, p := range m.pairs {
		e.size += p.Size()
	}
	return e
}

// readProbabilities reads the parameters of Platt's sigmoid for each pair.
func (m *svc) readProbabilities(a *attrs, pairs *dim) {
	nameA, nameB := "probA_", "probB_"
	if a.has("_probA") {
		nameA, nameB = "_probA", "_probB"
	}
	if shape := a.shape(nameA); len(shape) == 1 && shape[0] == 0 {
		return
	}
	m.probA, m.probB = a.vector(nameA, pairs), a.vector(nameB, pairs)
	m.probabilities = len(m.classes.names)
}

// readPairs makes the decision function of each pair from the support vectors of its two
// classes. The vectors of class i are those from starts[i] to starts[i+1]-1. Their
// coefficients against class j are in row j-1 of dual if i < j, else in row j.
func (m *svc) readPairs(a *attrs, v supportVectors, dual, intercept []float64, starts []int) {
	d, count, classes := a.in.n, v.count.n, len(starts)-1
	for i := range classes {
		for j := i + 1; j < classes; j++ {
			n := starts[i+1] - starts[i] + starts[j+1] - starts[j]
			if err := a.budget.Take(8 * n * (2*d + 2)); err != nil {
				a.fail("%w", err)
				return
			}
			rows := append(make([]float64, 0, n*d), v.rows[starts[i]*d:starts[i+1]*d]...)
			rows = append(rows, v.rows[starts[j]*d:starts[j+1]*d]...)
			coef := append(make([]float64, 0, n), dual[(j-1)*count+starts[i]:(j-1)*count+starts[i+1]]...)
			coef = append(coef, dual[i*count+starts[j]:i*count+starts[j+1]]...)
			m.pairs = append(m.pairs, a.machine(v, rows, coef, intercept[len(m.pairs)]))
			if a.err != nil {
				return
			}
		}
	}
}

func (m *svc) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	pairs, classes := len(m.pairs), len(m.classes.names)
	by := a.take(n * pairs) // pair by pair
	for p, machine := range m.pairs {
		machine.Decision(by[p*n:(p+1)*n], x)
	}
	decisions, votes := a.take(pairs), a.take(classes)
	for i := range n {
		for p := range pairs {
			decisions[p] = by[p*n+i]
		}
		m.vote(votes, decisions)
		out.pred[i] = float64(argmax(votes))
		score := out.score[i*m.scores : (i+1)*m.scores]
		switch {
		case classes == 2:
			score[0] = -decisions[0]
		case m.rest:
			restScores(score, decisions)
		default:
			copy(score, decisions)
		}
		if m.byScores {
			out.pred[i] = float64(argmax(score))
		}
		if m.probA != nil {
			m.couple(out.proba[i*classes:(i+1)*classes], decisions, a)
		}
	}
	return nil
}

// vote sets votes to the number of pairs that each class wins.
func (m *svc) vote(votes, decisions []float64) {
	clear(votes)
	p := 0
	for i := range votes {
		for j := i + 1; j < len(votes); j++ {
			if decisions[p] > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			p++
		}
	}
}

// restScores is _ovr_decision_function in sklearn/utils/multiclass.py: the votes, plus the
// sum of confidences scaled to less than half a vote. Up to 0.20 scikit-learn scaled the
// sum by the largest among all rows of the call. Here it is always scaled as in later
// versions, which depends on the row alone.
func restScores(score, decisions []float64) {
	for i := range score {
		sum, votes := 0.0, 0.0
		for j := range score {
			switch {
			case j < i:
				d := decisions[pairOf(j, i, len(score))]
				sum -= d
				if d < 0 {
					votes++
				}
			case j > i:
				d := decisions[pairOf(i, j, len(score))]
				sum += d
				if d >= 0 {
					votes++
				}
			}
		}
		score[i] = votes + sum/(3*(math.Abs(sum)+1))
	}
}

// pairOf returns the position of the pair of classes i < j.
func pairOf(i, j, classes int) int { return i*(2*classes-i-1)/2 + j - i - 1 }

// couple sets p to the probabilities of the classes that fit the probabilities of the
// pairs best (multiclass_probability in svm.cpp; Wu, Lin and Weng, Probability Estimates
// for Multi-class Classification by Pairwise Coupling, 2004).
func (m *svc) couple(p, decisions []float64, a *arena) {
	defer a.release(a.used)
	k := len(p)
	r, q, qp := a.take(k*k), a.take(k*k), a.take(k)
	pair := 0
	for i := range k {
		for j := i + 1; j < k; j++ {
			const least = 1e-7
			v := max(least, min(1-least, sigmoid(decisions[pair], m.probA[pair], m.probB[pair])))
			r[i*k+j], r[j*k+i] = v, 1-v
			pair++
		}
	}
	for t := range k {
		p[t] = 1 / float64(k)
		q[t*k+t] = 0
		for j := range k {
			switch {
			case j < t:
				q[t*k+t] += float64(r[j*k+t] * r[j*k+t])
				q[t*k+j] = q[j*k+t]
			case j > t:
				q[t*k+t] += float64(r[j*k+t] * r[j*k+t])
				q[t*k+j] = float64(-r[j*k+t] * r[t*k+j])
			}
		}
	}
	for range max(100, k) {
		pqp, worst := 0.0, 0.0
		for t := range k {
			qp[t] = 0
			for j := range k {
				qp[t] += float64(q[t*k+j] * p[j])
			}
			pqp += float64(p[t] * qp[t])
		}
		for t := range k {
			worst = max(worst, math.Abs(qp[t]-pqp))
		}
		if worst < 0.005/float64(k) {
			break
		}
		for t := range k {
			diff := (-qp[t] + pqp) / q[t*k+t]
			p[t] += diff
			pqp = (pqp + float64(diff*(float64(diff*q[t*k+t])+float64(2*qp[t])))) / (1 + diff) / (1 + diff)
			for j := range k {
				qp[j] = (qp[j] + float64(diff*q[t*k+j])) / (1 + diff)
				p[j] /= 1 + diff
			}
		}
	}
}

// sigmoid is sigmoid_predict in svm.cpp.
func sigmoid(decision, a, b float64) float64 {
	f := float64(decision*a) + b
	if f >= 0 {
		return libm.Exp(-f) / (1 + libm.Exp(-f))
	}
	return 1 / (1 + libm.Exp(f))
}
