package sklearn

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// MaxFile is the size of the largest file that is read.
const MaxFile = 64 << 20

// Bounds on a model's structure, which a pickle could make endless by
// containing itself.
const (
	maxEstimators = 1_000
	maxNesting    = 20
)

// Load returns the model in a file written by pickle or joblib, whichever its
// content says. It does not keep data. An error says what in the file cannot
// be used, by step and class, and wraps [ErrUnsupported] if it is well formed.
func Load(data []byte) (*Model, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("load model: %w: %d MiB, at most %d are read", pickle.ErrLimit, len(data)>>20, MaxFile>>20)
	}
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	return m, nil
}

func load(data []byte) (*Model, error) {
	data, err := joblib.Decompress(data)
	if err != nil {
		return nil, err
	}
	return loadValue(len(data), func(l *loader) (any, error) {
		v, err := pickle.Read(data, pickle.Options{Allow: l.allow, Built: joblib.Built, Budget: l.budget, Memory: &l.memory})
		if at := new(pickle.Error); errors.As(err, &at) && at.Offset == 0 {
			err = fmt.Errorf("this is no file of pickle or joblib: %w", err)
		}
		return v, err
	})
}

// LoadValue returns the model in a file of another format, size bytes unpacked.
// Read reads it into the values that package pickle gives: objects of classes that
// are not allowed have to be a [pickle.Refused], and what is allocated is taken
// off the budget.
func LoadValue(size int, read func(allow func(pickle.Global) bool, budget *pickle.Budget) (any, error)) (*Model, error) {
	m, err := loadValue(size, func(l *loader) (any, error) { return read(l.allow, l.budget) })
	if err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	return m, nil
}

func loadValue(size int, read func(*loader) (any, error)) (*Model, error) {
	space := workspaces.Get().(*workspace)
	defer space.release()
	l := &loader{workspace: space, budget: pickle.NewBudget(size)}
	v, err := read(l)
	if err != nil {
		return nil, errors.Join(l.refusal(), err)
	}
	if v, err = l.unbundle(v); err != nil {
		return nil, err
	}
	root, step, err := l.estimator(v, "")
	if err == nil {
		err = l.refusal()
	}
	if err != nil {
		return nil, err
	}
	if root.in == anyWidth {
		return nil, fmt.Errorf("nothing in %s says how many features it takes: fit it with scikit-learn 0.23 or later", root.label)
	}
	return newModel(root, l.written, l.names, step), nil
}

// loader turns a pickle's objects into estimators.
type loader struct {
	*workspace
	budget     *pickle.Budget
	refused    []pickle.Global // names met that are not allowed
	estimators int
	nesting    int
	written    string   // version of scikit-learn, of the outermost estimator
	names      []string // of the columns, by the outermost estimator that has them
}

// workspace is memory that loads hand on, with nothing in it. Estimators copy
// what they keep of it.
type workspace struct {
	memory pickle.Memory         // of the pickle's objects
	attrs  [maxNesting + 1]attrs // of the estimators being loaded, outermost first
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (s *workspace) release() {
	s.memory.Reset()
	workspaces.Put(s)
}

// ignorable are modules whose objects stand in attributes that nobody reads:
// random states, the search trees of neighbours, the columns of a DataFrame,
// and the like. As the pickle reader keeps them inert, they do no harm; where
// an estimator is wanted, they are refused.
var ignorable = []string{"sklearn.", "numpy.random.", "scipy.", "collections.", "pandas.", "builtins.slice", "builtins.range", "functools.partial"}

func (l *loader) allow(g pickle.Global) bool {
	if numpy.Known(g) || joblib.Known(g) {
		return true
	}
	name := g.String()
	for _, prefix := range ignorable {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	if len(l.refused) == 0 {
		l.refused = append(l.refused, g)
	}
	return false
}

// refusal returns the error for the first name that was not allowed.
func (l *loader) refusal() error {
	if len(l.refused) == 0 {
		return nil
	}
	return refuseClass(l.refused[0], "")
}

// estimator returns the estimator that v is, and its description.
func (l *loader) estimator(v any, step string) (*element, Step, error) {
	if l.estimators++; l.estimators > maxEstimators || l.nesting > maxNesting {
		return nil, Step{}, fmt.Errorf("%w: over %d estimators, or %d inside one another", pickle.ErrLimit, maxEstimators, maxNesting)
	}
	l.nesting++
	defer func() {
		l.nesting--
		l.attrs[l.nesting] = attrs{}
	}()
	switch v := v.(type) {
	case *pickle.Object:
		return l.object(v, step)
	case *pickle.Refused:
		return nil, Step{}, refuseClass(v.Global, step)
	case pickle.Global:
		return nil, Step{}, refuse("class "+publicName(v), step, "write an instance of it, fitted, not the class")
	}
	return nil, Step{}, refuse(pickle.Kind(v), step, "write a fitted estimator or Pipeline")
}

func (l *loader) object(o *pickle.Object, step string) (*element, Step, error) {
	c, ok := classes[o.Class]
	if !ok {
		return nil, Step{}, refuseClass(o.Class, step)
	}
	a := &l.attrs[l.nesting-1]
	*a = attrs{loader: l, object: o, class: o.Class.Name, step: step}
	written := a.text("_sklearn_version")
	if a.err == nil {
		var err error
		if a.version, err = parseVersion(written); err != nil {
			return nil, Step{}, err
		}
	}
	if l.written == "" {
		l.written = written
	}
	l.featureNames(a)
	a.fittedOn()
	e := c.load(a)
	if a.err == nil {
		a.place(e)
	}
	if a.err != nil {
		return nil, Step{}, a.err
	}
	e.label = a.class + inStep(step)
	return e, a.describe(), nil
}

// featureNames keeps the names of the columns, if no estimator around this one
// had them.
func (l *loader) featureNames(a *attrs) {
	if l.names == nil {
		l.names = a.featureNames()
	}
}
