package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// oneClassSVM is sklearn.svm.OneClassSVM. Its predict is libsvm's, so a score of 0 is an
// anomaly.
type oneClassSVM struct {
	*svm.OneClass
	offset  float64 // score_samples - decision_function
	version version
}

func loadOneClassSVM(a *attrs) *element {
	kernel := a.kernel()
	count := &dim{what: "support vectors"}
	vectors := a.sparseMatrix("support_vectors_", count, &a.in)
	dual := a.sparseMatrix("_dual_coef_", exactly(1, "rows"), count)
	if a.err != nil {
		return nil
	}
	m, err := svm.NewOneClass(kernel, vectors, a.in.n, dual, a.finite("_intercept_"))
	if err != nil {
		a.fail("%w", err)
		return nil
	}
	s := &oneClassSVM{OneClass: m, version: a.version}
	if a.version >= 20 {
		s.offset = a.finite("offset_")
	}
	a.note("gamma", kernel.Gamma)
	a.note("support_vectors", m.SupportVectors())
	return &element{role: detects, predictor: s, size: m.Size()}
}

// kernel reads the kernel and its parameters. _gamma is a number also if the parameter
// gamma is 'scale' or 'auto'.
func (a *attrs) kernel() svm.Kernel {
	name, ok := a.value("kernel").(string)
	k := svm.Kernel{Type: svm.KernelType(name)}
	switch k.Type {
	case svm.Linear:
		return k
	case svm.RBF, svm.Poly, svm.Sigmoid:
		k.Gamma = a.finite("_gamma")
		k.Coef0 = a.finite("coef0")
		k.Degree = a.int("degree")
		return k
	}
	if !ok {
		name = "that is a function"
	}
	a.refuse(fmt.Sprintf("a kernel %.40s", name), "use kernel rbf, linear, poly or sigmoid")
	return k
}

func (s *oneClassSVM) predict(out outcome, x []float64, n int, a *arena) error {
	pred, score := out.predictionsAndScores(n, a)
	s.Decision(score, x)
	for i, v := range score {
		pred[i] = 1
		if v > 0 {
			pred[i] = 0
		}
	}
	return nil
}

func (s *oneClassSVM) scoreSamples(dst, x []float64, _ *arena) error {
	if s.version < 20 {
		return errNoScoreSamples
	}
	s.Decision(dst, x)
	for i := range dst {
		dst[i] += s.offset
	}
	return nil
}

// errNoScoreSamples is the error of scoreSamples before scikit-learn 0.20.
var errNoScoreSamples error = &unsupported{"score_samples is not supported: scikit-learn 0.19, which wrote the model, has none; fit it again with a later one"}
