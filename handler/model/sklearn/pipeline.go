package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// pipeline is a sklearn.pipeline.Pipeline: transformers, and a predictor if there is one.
type pipeline struct {
	steps []*element
	last  *element // the predictor, or nil
}

func loadPipeline(a *attrs) *element {
	list, ok := a.value("steps").(*pickle.List)
	if !ok {
		a.fail("steps is no list")
		return nil
	}
	p := &pipeline{}
	a.steps = make([]Step, 0, min(len(list.Items), maxEstimators))
	for i, item := range list.Items {
		e := a.pipelineStep(item)
		switch {
		case a.err != nil:
			return nil
		case i == len(list.Items)-1 && e.predictor != nil:
			p.last = e
		case e.predictor != nil && e.transformer == nil:
			a.fail("%s is a %v, and not the last step", e.label, e.kind)
			return nil
		default:
			p.steps = append(p.steps, e)
			a.sparse = e.sparse
		}
	}
	return a.chain(p)
}

// pipelineStep loads a step, which is a pair of a name and an estimator.
func (a *attrs) pipelineStep(item any) *element {
	name, v := a.namedPair(item)
	if a.err != nil {
		return nil
	}
	return a.nested(name, v)
}

// namedPair returns the two elements of a step.
func (a *attrs) namedPair(item any) (name string, v any) {
	pair, ok := item.(*pickle.Tuple)
	if !ok || len(pair.Items) < 2 {
		a.fail("a step is no pair of name and estimator")
		return "", nil
	}
	if name, ok = pair.Items[0].(string); !ok {
		a.fail("a step's name is no string")
	}
	return name, pair.Items[1]
}

// nested loads the estimator v inside this one. It may be 'passthrough', or None, as up
// to scikit-learn 0.20: then it returns its rows unchanged.
func (a *attrs) nested(name string, v any) *element {
	path := name
	if a.step != "" {
		path = a.step + "." + name
	}
	if v == nil || v == any("passthrough") || resamples(v) {
		a.steps = append(a.steps, Step{Name: name, Class: "passthrough"})
		return &element{label: "passthrough" + inStep(path), sparse: a.sparse, accepts: anyNumber, in: anyWidth, out: anyWidth}
	}
	e, step, err := a.estimator(v, path)
	if err != nil {
		if a.err == nil {
			a.err = err
		}
		return nil
	}
	step.Name = name
	a.steps = append(a.steps, step)
	return e
}

// chain returns the element of a pipeline. It checks that each step takes as many columns
// as the step before returns.
func (a *attrs) chain(p *pipeline) *element {
	e := &element{accepts: anyNumber, transformer: p, in: anyWidth, out: anyWidth}
	all := p.steps
	if p.last != nil {
		all = append(all[:len(all):len(all)], p.last)
		e.predictor, e.role = p, p.last.role
		if p.last.transformer == nil {
			e.transformer = nil
		}
	}
	for _, s := range all {
		switch {
		case s.in == anyWidth, s.in == e.out:
		case e.out == anyWidth:
			e.in = s.in
		default:
			a.fail("%s takes %d columns, but gets %d", s.label, s.in, e.out)
		}
		e.out, e.sparse = s.width(e.out), s.sparse
		e.size += s.size + elementSize
	}
	return e
}

// forward returns the n rows of x after all transformers.
func (p *pipeline) forward(x []float64, n int, a *arena) ([]float64, error) {
	for _, s := range p.steps {
		dst := a.take(n * s.width(len(x)/n))
		if err := s.transform(dst, x, n, a); err != nil {
			return nil, err
		}
		x = dst
	}
	return x, nil
}

func (p *pipeline) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	x, err := p.forward(src, n, a)
	switch {
	case err != nil:
		return err
	case p.last != nil:
		return p.last.transform(dst, x, n, a)
	}
	copy(dst, x)
	return nil
}

func (p *pipeline) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	x, err := p.forward(x, n, a)
	if err != nil {
		return err
	}
	return p.last.predict(out, x, n, a)
}

func (p *pipeline) scoreSamples(dst, x []float64, a *arena) error {
	defer a.release(a.used)
	x, err := p.forward(x, len(dst), a)
	if err != nil {
		return err
	}
	return p.last.scoreSamples(dst, x, a)
}
