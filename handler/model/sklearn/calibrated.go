package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// calibrated is CalibratedClassifierCV: the mean of the calibrated probabilities of
// several classifiers.
type calibrated struct {
	role
	folds []fold
}

// fold is a _CalibratedClassifier.
type fold struct {
	*element
	classes     []int // the positions of its classes among those of the whole
	score       bool  // the calibrators take decision_function; false: predict_proba
	calibrators []calibrator
	beta        float64 // of temperature scaling; 0 without
}

// calibrator turns a score into a probability.
type calibrator interface {
	value(score float64) (float64, error)
}

// platt is _SigmoidCalibration.
type platt struct{ a, b float64 }

func (p platt) value(score float64) (float64, error) {
	return expit(-(float64(p.a*score) + p.b)), nil
}

func loadCalibrated(a *attrs) *element {
	m := &calibrated{role: classifies(a.labels("classes_"), false, true)}
	if a.err == nil && len(m.classes.names) < 2 {
		a.fail("classes_ is of one class: two at least are needed")
	}
	in := a.featuresOrAny()
	size := 0
	for i, item := range a.items("calibrated_classifiers_") {
		o, ok := item.(*pickle.Object)
		if a.err == nil && !ok {
			a.fail("calibrated_classifiers_ has something else at %d", i)
		}
		if a.err != nil {
			return nil
		}
		f := a.fold(m, fmt.Sprint(i), o)
		if a.err != nil {
			return nil
		}
		if in = a.widthOf(members{f.element}); a.err != nil {
			return nil
		}
		m.folds = append(m.folds, f)
		size += f.size
	}
	if a.err == nil && len(m.folds) == 0 {
		a.fail("calibrated_classifiers_ is empty")
	}
	return &element{role: m.role, predictor: m, in: in, accepts: anyNumber, size: size}
}

// firstAttr returns the first of these attributes that an object has, or nil. The name
// of an attribute may depend on the version.
func firstAttr(o *pickle.Object, names ...string) any {
	for _, name := range names {
		if v, _ := o.Attr(name); v != nil && v != any("deprecated") {
			return v
		}
	}
	return nil
}

func (a *attrs) fold(m *calibrated, name string, o *pickle.Object) fold {
	f := fold{element: a.nested(name, firstAttr(o, "estimator", "base_estimator"))}
	if a.err == nil && (f.predictor == nil || f.kind != predict.Classifier || !f.decides() && f.probabilities == 0) {
		a.fail("%s is no classifier with scores or probabilities", f.label)
	}
	if a.err != nil {
		return f
	}
	f.score = f.decides()
	f.classes = a.positions(f.element, m.classes)
	list, ok := firstAttr(o, "calibrators", "calibrators_").(*pickle.List)
	if !ok {
		a.fail("it has no list of calibrators")
		return f
	}
	for _, item := range list.Items {
		c, ok := item.(*pickle.Object)
		if !ok {
			a.fail("a calibrator is no object")
			return f
		}
		inner := &attrs{loader: a.loader, object: c, class: c.Class.Name, step: a.step, version: a.version}
		switch c.Class.Name {
		case "_SigmoidCalibration":
			f.calibrators = append(f.calibrators, platt{inner.finite("a_"), inner.finite("b_")})
		case "IsotonicRegression":
			f.calibrators = append(f.calibrators, a.isotonicOf(c))
		case "_TemperatureScaling":
			f.beta = inner.finite("beta_")
		default:
			a.fail("a calibrator is a %s", publicName(c.Class))
		}
		if a.err == nil {
			a.err = inner.err
		}
	}
	want := len(f.classes)
	if len(m.classes.names) == 2 {
		want = 1
	}
	if a.err == nil && f.beta == 0 && (len(f.calibrators) != want || len(m.classes.names) == 2 && len(f.classes) != 2) {
		a.fail("%d calibrators for %d classes", len(f.calibrators), len(f.classes))
	}
	if a.err == nil && f.beta != 0 && (len(f.classes) != len(m.classes.names) || len(list.Items) != 1) {
		a.fail("temperature scaling of %d classes, where there are %d", len(f.classes), len(m.classes.names))
	}
	return f
}

func (m *calibrated) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	out = out.room(n, &m.role, a)
	clear(out.proba)
	one := a.take(len(out.proba))
	for i := range m.folds {
		if err := m.folds[i].calibrate(one, x, n, m.probabilities, a); err != nil {
			return err
		}
		for k, p := range one {
			out.proba[k] += p
		}
	}
	for k := range out.proba {
		out.proba[k] /= float64(len(m.folds))
	}
	mostProbable(out.pred, out.proba)
	return nil
}

// calibrate sets proba to the calibrated probabilities of n rows.
func (f *fold) calibrate(proba, x []float64, n, classes int, a *arena) error {
	defer a.release(a.used)
	width := f.probabilities
	if f.score {
		width = f.scores
	}
	predicted := a.take(n * width)
	result := outcome{proba: predicted}
	if f.score {
		result = outcome{score: predicted}
	}
	if err := f.element.predict(result, x, n, a); err != nil {
		return err
	}
	clear(proba)
	for i := range n {
		row := proba[i*classes : (i+1)*classes]
		if err := f.row(row, predicted[i*width:(i+1)*width]); err != nil {
			return err
		}
		for k, p := range row {
			if p > 1 && p <= 1+1e-5 {
				row[k] = 1
			}
		}
	}
	return nil
}

// row sets row, the probabilities, from the scores or probabilities of the classifier.
func (f *fold) row(row, predicted []float64) error {
	classes := len(row)
	switch {
	case f.beta != 0:
		f.scaleTemperature(row, predicted)
		return nil
	case classes == 2:
		p, err := f.calibrators[0].value(predicted[len(predicted)-1])
		if err != nil {
			return err
		}
		twoClasses(row, p)
	default:
		for k, class := range f.classes {
			p, err := f.calibrators[k].value(predicted[k])
			if err != nil {
				return err
			}
			row[class] = p
		}
		sum := pairwiseSum(row)
		for k := range row {
			row[k] /= sum
		}
	}
	for k, p := range row {
		if p != p {
			row[k] = 1 / float64(classes)
		}
	}
	return nil
}

// scaleTemperature sets row to the softmax of beta times the scores. Without scores it
// takes the logarithms of the probabilities.
func (f *fold) scaleTemperature(row, predicted []float64) {
	switch {
	case len(predicted) == 1:
		row[0], row[1] = f.beta*-predicted[0], f.beta*predicted[0]
	default:
		for k, v := range predicted {
			if !f.score {
				v = math.Log(v + 1e-12)
			}
			row[k] = f.beta * v
		}
	}
	softmax(row)
}
