package sklearn

import "github.com/fleetscore/fleetscore/handler/model/predict"

// outputCode is OutputCodeClassifier. Each class has a code, and each member predicts one
// digit of it. The prediction is the class with the nearest code.
type outputCode struct {
	role
	members
	by    role      // result whether the digits are scores or probabilities; see role.confidence
	codes []float64 // a row for each class, a digit for each member
}

func loadOutputCode(a *attrs) *element {
	l := a.labels("classes_")
	m := &outputCode{role: classifies(l, false, false), members: a.members("estimators_", predict.Classifier)}
	if a.err != nil {
		return nil
	}
	m.codes = a.matrix("code_book_", exactly(len(l.names), "classes"), exactly(len(m.members), "estimators"))
	scores, _ := a.binaryMembers(m.members)
	m.by = classifies(l, scores, false)
	return a.meta(m.role, m, m.members)
}

func (m *outputCode) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	digits := len(m.members)
	confidence, proba, codes := a.take(n), a.take(2*n), a.take(n*digits)
	for d, e := range m.members {
		if err := m.by.confidence(confidence, proba, e, x, n, a); err != nil {
			return err
		}
		for i, s := range confidence {
			codes[i*digits+d] = s
		}
	}
	if out.pred == nil {
		return nil
	}
	distances := a.take(len(m.classes.names))
	for i := range n {
		for c := range distances {
			distances[c] = -squared(codes[i*digits:(i+1)*digits], m.codes[c*digits:(c+1)*digits], 2)
		}
		out.pred[i] = float64(argmax(distances))
	}
	return nil
}
