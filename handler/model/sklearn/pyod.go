package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// pyod is a detector of PyOD (https://github.com/yzhao062/pyod). Its score is
// decision_function. A row whose score is above threshold_ is an anomaly; in scikit-learn
// it is the other way round. The probability of an anomaly is the score, scaled so that
// the scores of the fitted rows are from 0 to 1.
type pyod struct {
	scorer
	threshold    float64
	least, scale float64 // probability = score·scale - least·scale
}

// scorer computes the score of a detector of PyOD.
type scorer interface {
	// scores sets dst to decision_function of the rows of x.
	scores(dst, x []float64, a *arena) error
}

// loadPyOD returns the loader of a detector of PyOD. Load returns its scorer and the
// bytes of memory that it takes.
func loadPyOD(load func(*attrs) (scorer, int)) func(*attrs) *element {
	return func(a *attrs) *element {
		if _, err := numpy.Float(a.value("contamination")); err != nil && a.err == nil {
			a.refuse("a threshold of PyThresh as contamination", "give the share of anomalies as a number, contamination=0.1")
		}
		p := &pyod{threshold: a.finite("threshold_")}
		fitted := a.vector("decision_scores_", &dim{what: "rows"})
		if a.err != nil {
			return nil
		}
		least, most := fitted[0], fitted[0]
		for _, s := range fitted {
			least, most = min(least, s), max(most, s)
		}
		if p.least, p.scale = least, 1; most > least { // like MinMaxScaler: a range of 0 counts as 1
			p.scale = 1 / (most - least)
		}
		var size int
		p.scorer, size = load(a)
		a.note("threshold", p.threshold)
		return &element{
			role:      role{kind: predict.Detector, scores: 1, probabilities: 2, anomalies: predict.High},
			predictor: p, size: size,
		}
	}
}

func (p *pyod) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	pred, score := out.predictionsAndScores(n, a)
	if err := p.scores(score, x, a); err != nil {
		return err
	}
	for i, s := range score {
		pred[i] = 0
		if s > p.threshold {
			pred[i] = 1
		}
		if out.proba != nil {
			high := min(max(float64(s*p.scale)-float64(p.least*p.scale), 0), 1)
			out.proba[2*i], out.proba[2*i+1] = 1-high, high
		}
	}
	return nil
}

// wrapped is a scorer that calls a detector of scikit-learn.
type wrapped struct {
	inner   *element
	samples bool    // calls score_samples; false: decision_function
	sign    float64 // by which scores are multiplied
}

// loadWrapped returns the loader of a wrapped scorer, whose detector is in the attribute
// name.
func loadWrapped(name string, samples bool, sign float64) func(*attrs) (scorer, int) {
	return func(a *attrs) (scorer, int) {
		e := a.inner(name)
		if a.err != nil {
			return nil, 0
		}
		if e.predictor == nil || e.kind != predict.Detector {
			a.fail("%s is %s, no detector", name, e.label)
			return nil, 0
		}
		a.agree(name, &a.in, e.in)
		return &wrapped{e, samples, sign}, e.size + elementSize
	}
}

func (w *wrapped) scores(dst, x []float64, a *arena) (err error) {
	if w.samples {
		err = w.inner.scoreSamples(dst, x, a)
	} else {
		err = w.inner.predict(outcome{score: dst}, x, len(dst), a)
	}
	for i := range dst {
		dst[i] *= w.sign
	}
	return err
}
