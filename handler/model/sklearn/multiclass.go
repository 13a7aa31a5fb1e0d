package sklearn

import (
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// versusRest is OneVsRestClassifier. It has a classifier for each class against all
// others, but only one for two classes.
type versusRest struct {
	role
	members
	first bool // since 1.8: of classes with equal confidence the first counts; false: the last
}

func loadOneVsRest(a *attrs) *element {
	o := a.inside("label_binarizer_")
	if a.err != nil {
		return nil
	}
	if kind, _ := o.Attr("y_type_"); kind != any("binary") && kind != any("multiclass") {
		a.refuse("several labels a row", oneOutput)
		return nil
	}
	v, _ := o.Attr("classes_")
	l := &labels{a.labelNames("classes_ of label_binarizer_", v)}
	m := &versusRest{members: a.members("estimators_", predict.Classifier), first: a.version >= 108}
	want := len(l.names)
	if want == 2 {
		want = 1
	}
	switch {
	case a.err != nil:
	case len(l.names) < 2:
		a.fail("it has %d classes: two at least are needed", len(l.names))
	case len(m.members) != want:
		a.fail("%d estimators for %d classes", len(m.members), len(l.names))
	}
	scores, probable := a.binaryMembers(m.members)
	m.role = classifies(l, scores, probable)
	return a.meta(m.role, m, m.members)
}

// binaryMembers checks that all members are classifiers of two classes. It reports
// whether all of them have scores, and whether all have probabilities.
func (a *attrs) binaryMembers(all members) (scores, probable bool) {
	scores, probable = true, true
	for _, e := range all {
		if len(e.classes.names) != 2 || !e.decides() && e.probabilities == 0 {
			a.fail("%s is no classifier of two classes with scores or probabilities", e.label)
		}
		scores, probable = scores && e.decides() && e.scores == 1, probable && e.probabilities == 2
	}
	if a.err == nil && !scores && !probable {
		a.fail("some of the estimators have scores, others probabilities")
	}
	return scores, probable
}

// meta returns the element of an estimator that combines others.
func (a *attrs) meta(r role, p predictor, all members) *element {
	if a.err != nil {
		return nil
	}
	a.note("estimators", len(all))
	return &element{role: r, predictor: p, in: a.widthOf(all), accepts: anyNumber, size: all.size()}
}

func (m *versusRest) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	count := len(m.members)
	confidence, proba := a.take(n), a.take(2*n)
	best := a.take(n)
	for i := range best {
		best[i], out.pred[i] = math.Inf(-1), 0
	}
	for c, e := range m.members {
		if err := m.confidence(confidence, proba, e, x, n, a); err != nil {
			return err
		}
		for i, s := range confidence {
			switch {
			case count == 1:
				if limit := m.limit(); s > limit {
					out.pred[i] = 1
				}
			case s > best[i], s == best[i] && !m.first:
				best[i], out.pred[i] = s, float64(c)
			}
			if m.scores > 0 {
				out.score[i*m.scores+c] = s
			}
			if m.probabilities > 0 && count > 1 {
				out.proba[i*m.probabilities+c] = proba[2*i+1]
			} else if m.probabilities > 0 {
				twoClasses(out.proba[2*i:2*i+2], proba[2*i+1])
			}
		}
	}
	for i := range n {
		row := out.proba[i*m.probabilities : (i+1)*m.probabilities]
		if sum := pairwiseSum(row); sum != 0 {
			for c := range row {
				row[c] /= sum
			}
		}
	}
	return nil
}

// limit returns the confidence above which a classifier of two classes predicts the
// second.
func (r *role) limit() float64 {
	if r.scores > 0 {
		return 0
	}
	return 0.5
}

// confidence sets dst to the confidence of a classifier of two classes in the second
// one, for n rows: its scores if r has scores, else its probabilities. It sets proba to
// the probabilities if r needs them.
func (r *role) confidence(dst, proba []float64, e *element, x []float64, n int, a *arena) error {
	result := outcome{}
	if r.scores > 0 {
		result.score = dst
	}
	if r.probabilities > 0 || r.scores == 0 {
		result.proba = proba
	}
	if err := e.predict(result, x, n, a); err != nil || r.scores > 0 {
		return err
	}
	for i := range dst {
		dst[i] = proba[2*i+1]
	}
	return nil
}

// versusOne is OneVsOneClassifier. It has a classifier for each pair of classes, and each
// classifier votes. The sums of their confidences decide between classes with equal
// votes.
type versusOne struct {
	role
	members
	by    role    // result what the members' confidences are; see role.confidence
	limit float64 // of two classes, the score above which the second is predicted
}

func loadOneVsOne(a *attrs) *element {
	l := a.labels("classes_")
	m := &versusOne{members: a.members("estimators_", predict.Classifier), role: classifies(l, true, false)}
	if a.has("pairwise_indices_") {
		a.refuse("a precomputed kernel", "give the estimator a kernel by its name")
	}
	if a.version < 21 {
		a.refuse("votes that depended on the other rows of a call, as before scikit-learn 0.21,", "fit it with a later version")
	}
	classes := len(l.names)
	if a.err == nil && (classes < 2 || len(m.members) != classes*(classes-1)/2) {
		a.fail("%d estimators for the pairs of %d classes", len(m.members), classes)
	}
	scores, _ := a.binaryMembers(m.members)
	if m.by = classifies(l, scores, false); a.version >= 101 {
		m.limit = m.by.limit()
	}
	return a.meta(m.role, m, m.members)
}

func (m *versusOne) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	classes, pairs := len(m.classes.names), len(m.members)
	confidence, second, proba := a.take(n*pairs), a.take(n*pairs), a.take(2*n)
	for p, e := range m.members {
		if err := m.by.confidence(confidence[p*n:(p+1)*n], proba, e, x, n, a); err != nil {
			return err
		}
		if err := e.predict(outcome{pred: second[p*n : (p+1)*n]}, x, n, a); err != nil {
			return err
		}
	}
	score, sums := a.take(classes), a.take(classes)
	for k := range n {
		clear(score)
		clear(sums)
		p := 0
		for i := range classes {
			for j := i + 1; j < classes; j++ {
				c := confidence[p*n+k]
				sums[i] -= c
				sums[j] += c
				if second[p*n+k] == 0 {
					score[i]++
				} else {
					score[j]++
				}
				p++
			}
		}
		for c, s := range sums {
			score[c] += s / (3 * (math.Abs(s) + 1))
		}
		if classes > 2 {
			out.pred[k] = float64(argmax(score))
			copy(out.score[k*classes:], score)
			continue
		}
		out.score[k], out.pred[k] = score[1], 0
		if score[1] > m.limit {
			out.pred[k] = 1
		}
	}
	return nil
}

// thresholded is FixedThresholdClassifier or TunedThresholdClassifierCV. It predicts the
// positive class if the score or the probability is at least a threshold.
type thresholded struct {
	role
	inner     *element // a classifier of two classes
	byScore   bool     // the threshold is of the score; false: of the probability
	positive  int      // the position of the positive class
	threshold float64
}

func loadFixedThreshold(a *attrs) *element {
	m := a.thresholded()
	if m == nil {
		return nil
	}
	if v := a.value("threshold"); v != any("auto") {
		m.threshold = a.finite("threshold")
	} else if !m.byScore {
		m.threshold = 0.5
	}
	return &element{role: m.role, predictor: m, in: m.inner.in, accepts: anyNumber, size: m.inner.size}
}

func loadTunedThreshold(a *attrs) *element {
	m := a.thresholded()
	if m == nil {
		return nil
	}
	m.threshold = a.finite("best_threshold_")
	return &element{role: m.role, predictor: m, in: m.inner.in, accepts: anyNumber, size: m.inner.size}
}

func (a *attrs) thresholded() *thresholded {
	m := &thresholded{inner: a.nested("estimator_", a.value("estimator_")), positive: 1}
	if a.err != nil {
		return nil
	}
	if m.inner.predictor == nil || m.inner.kind != predict.Classifier || len(m.inner.classes.names) != 2 {
		a.fail("%s is no classifier of two classes", m.inner.label)
		return nil
	}
	m.role = m.inner.role
	switch method := a.value("response_method"); {
	case method == any("decision_function") || m.probabilities == 0:
		m.byScore = true
	}
	if m.byScore && m.scores != 1 || !m.byScore && m.probabilities != 2 {
		a.fail("%s has no %v", m.inner.label, a.value("response_method"))
	}
	if a.has("pos_label") {
		text, err := pythonText(a.value("pos_label"), 64)
		if err != nil {
			a.fail("pos_label: %w", err)
			return nil
		}
		if m.positive = m.classes.position(text); m.positive < 0 {
			a.fail("pos_label %.40q is none of the classes", text)
		}
	}
	return m
}

func (m *thresholded) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	result := out
	if m.scores == 0 {
		result.score = nil
	}
	if m.probabilities == 0 {
		result.proba = nil
	}
	if err := m.inner.predict(result, x, n, a); err != nil {
		return err
	}
	for i := range out.pred {
		var s float64
		switch {
		case !m.byScore:
			s = out.proba[2*i+m.positive]
		case m.positive == 0:
			s = -out.score[i]
		default:
			s = out.score[i]
		}
		out.pred[i] = float64(1 - m.positive)
		if s >= m.threshold {
			out.pred[i] = float64(m.positive)
		}
	}
	return nil
}

// constantClass is _ConstantPredictor. Scikit-learn uses it in place of a classifier of
// two classes if the rows to fit were all of one class.
type constantClass struct{ class float64 }

func loadConstant(a *attrs) *element {
	classes := a.vector("y_", exactly(1, "classes"))
	if a.err != nil {
		return nil
	}
	if !slices.Contains([]float64{-1, 0, 1}, classes[0]) { // -1 only inside OutputCodeClassifier
		a.fail("y_ is %v: -1, 0 or 1 is wanted", classes[0])
	}
	return &element{role: classifies(&labels{names: []string{"0", "1"}}, true, true), predictor: &constantClass{classes[0]}, in: a.featuresOrAny(), accepts: anyNumber}
}

func (m *constantClass) predict(out outcome, _ []float64, n int, _ *arena) error {
	for i := range n {
		if out.pred != nil {
			out.pred[i] = max(m.class, 0)
		}
		if out.score != nil {
			out.score[i] = m.class
		}
		if out.proba != nil {
			twoClasses(out.proba[2*i:2*i+2], m.class)
		}
	}
	return nil
}
