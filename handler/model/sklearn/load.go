package sklearn

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
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
	return load(data)
}

func load(data []byte) (*Model, error) {
	data, err := joblib.Decompress(data)
	if err != nil {
		return nil, err
	}
	return LoadValue(len(data), nil, func(opt pickle.Options) (any, error) {
		v, err := pickle.Read(data, opt)
		if at := new(pickle.Error); errors.As(err, &at) && at.Offset == 0 {
			err = fmt.Errorf("this is no file of pickle or joblib: %w", err)
		}
		return v, err
	})
}

// LoadValue returns the model in a file of any format, size bytes unpacked. Read
// reads it into the values that package pickle gives, with what opt says: objects
// of classes that are not allowed have to be a [pickle.Refused], and what is
// allocated is taken off the budget. A [predict.Model] in their place is a model
// that another package has read.
//
// Of a dict, tuple or list, steps are the members that are applied, in order, by
// their keys or positions. Without steps, the one estimator that predicts is found,
// and the transformers before it by their keys.
func LoadValue(size int, steps []string, read func(opt pickle.Options) (any, error)) (*Model, error) {
	space := workspaces.Get().(*workspace)
	defer space.release()
	l := &loader{workspace: space, budget: pickle.NewBudget(size), steps: steps}
	v, err := read(pickle.Options{Allow: l.allow, Refuse: l.refuse, Built: joblib.Built, Budget: l.budget, Memory: &l.memory})
	if err != nil {
		if refusal := l.refusal(v); refusal != nil {
			return nil, refusal
		}
		return nil, err
	}
	v = l.only(v)
	root, step, err := l.unbundle(v)
	if errors.Is(err, errNoBundle) {
		root, step, err = l.estimator(v, "")
	}
	if err == nil {
		err = l.refusal(v)
	}
	if err != nil {
		return nil, err
	}
	root = root.alone()
	if root.in == anyWidth {
		return nil, fmt.Errorf("nothing in %s says how many features it takes: fit it with scikit-learn 0.23 or later", root.label)
	}
	m := newModel(root, l.written, l.names, step)
	m.threshold, m.members = l.threshold, l.taken
	return m, nil
}

// only returns what is in an array of objects that has one element, as numpy makes
// of a dict or a model that numpy.save or numpy.array is given; else v.
func (l *loader) only(v any) any {
	array, err := numpy.Parse(v)
	if err != nil || array.Type.Kind != 'O' || array.Len() != 1 {
		return v
	}
	items, err := array.Items(l.budget)
	if err != nil || len(items) != 1 {
		return v
	}
	return items[0]
}

// loader turns a pickle's objects into estimators.
type loader struct {
	*workspace
	budget     *pickle.Budget
	steps      []string        // of a bundle, in order; nil: by their roles
	threshold  *Threshold      // of a bundle; nil if there is none
	taken      []Member        // of a bundle
	refused    []pickle.Global // names met that are not allowed
	args       []any           // what the first of them was called with
	estimators int
	nesting    int
	histogram  bool     // what is loaded prepares rows for HistGradientBoosting
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
// random states, losses (of the module _loss as Cython has it), the search trees
// of neighbours, the columns of a DataFrame, and the like. As the pickle reader keeps them inert, they do no harm; where
// an estimator is wanted, they are refused.
var ignorable = []string{"sklearn.", "numpy.random.", "scipy.", "collections.", "pandas.", "xgboost.", "lightgbm.", "pyod.", "imblearn.", "datetime.", "decimal.", "pathlib.", "uuid.", "dateutil.", "pytz.", "zoneinfo.", "builtins.slice", "builtins.range", "functools.partial", "joblib.memory.", "joblib._store_backends.", "numpy.ma.", "_loss.", "builtins.complex"}

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

// refusal returns the error for the first name that was not allowed, and where in
// v it is.
func (l *loader) refusal(v any) error {
	if len(l.refused) == 0 {
		return nil
	}
	return refuseFound(l.refused[0], v, l.args)
}

// refuse keeps what the first name that was not allowed was called with.
func (l *loader) refuse(r *pickle.Refused) {
	if len(l.refused) > 0 && r.Global == l.refused[0] && l.args == nil {
		l.args = r.Args
	}
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
		return nil, Step{}, unknownClass(v.Global, inStep(step), "", v.Args)
	case predict.Model:
		return l.external(v)
	case pickle.Global:
		return nil, Step{}, refuse("class "+publicName(v), step, "write an instance of it, fitted, not the class")
	}
	return nil, Step{}, refuse(pickle.Kind(v), step, "write a fitted estimator or Pipeline")
}

func (l *loader) object(o *pickle.Object, step string) (*element, Step, error) {
	c, ok := classes[o.Class]
	if !ok {
		return nil, Step{}, refuseClass(o.Class, inStep(step))
	}
	a := &l.attrs[l.nesting-1]
	*a = attrs{loader: l, object: o, class: o.Class.Name, step: step}
	if !c.foreign {
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
