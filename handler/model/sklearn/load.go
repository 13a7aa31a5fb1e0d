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

// MaxFile is the size of the largest file that [Load] reads, in bytes. A forest of 100
// trees, grown to the end on 10,000 rows by the defaults, has 87 MiB if it is not compressed.
const MaxFile = 128 << 20

// CheckSize returns an error that wraps [pickle.ErrLimit] if a file of size bytes is
// larger than [MaxFile].
func CheckSize(size int) error {
	if size > MaxFile {
		return fmt.Errorf("%w: the file has more than %d MiB, the most that is read: write it by joblib.dump(model, file, compress=3), or fit fewer or smaller trees", pickle.ErrLimit, MaxFile>>20)
	}
	return nil
}

// Limits of a model's structure. A pickle may contain itself, and would never end
// without them.
const (
	maxEstimators = 1_000
	maxNesting    = 20
)

// Load returns the model in a file that pickle or joblib wrote. It does not keep data.
// An error names the step and class that cannot be used. It wraps [ErrUnsupported] if
// the file is well formed, and [pickle.ErrLimit] if the file is larger than [MaxFile] or
// too large when unpacked.
func Load(data []byte) (*Model, error) {
	if err := CheckSize(len(data)); err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	return load(data)
}

func load(data []byte) (*Model, error) {
	data, err := joblib.Decompress(data)
	if err != nil {
		return nil, err
	}
	return LoadValue(len(data), nil, func(opt pickle.Options) (any, error) {
		v, err := pickle.ReadAll(data, opt)
		if at := new(pickle.Error); errors.As(err, &at) && at.Offset == 0 {
			err = fmt.Errorf("this is no file of pickle or joblib: %w", err)
		}
		return v, err
	})
}

// LoadValue is like [Load] for a file of any format. The file has size bytes unpacked.
//
// Read must return the values that package pickle returns, and follow opt: an object of
// a class that opt does not allow must become a [pickle.Refused], and memory must be
// taken from the budget. A [predict.Model] among the values is a model that another
// package has read.
//
// If the value is a dict, tuple or list, steps are the keys or positions of the members
// that are applied, in order. Without steps, LoadValue takes the one member that
// predicts, and finds the order of the transformers by their keys.
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
	v = l.unwrap(v)
	if files, ok := v.(*Folder); ok {
		for i, f := range files.Files {
			files.Files[i].Value = l.unwrap(f.Value)
		}
		if len(files.Files) == 1 { // the members of a dict, tuple or list have the keys that they have without the folder
			if kind, _ := membersOf(files.Files[0].Value); kind != "" {
				v = files.Files[0].Value
			}
		}
	}
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
	root = root.asModel()
	if root.in == anyWidth {
		return nil, fmt.Errorf("nothing in %s says how many features it takes: write it with the names of its columns, as {'model': model, 'features': [...]}", root.label)
	}
	m := newModel(root, l.written, l.names, step)
	m.threshold, m.members = l.threshold, l.taken
	return m, nil
}

// unwrap returns the element of an array that holds one object, a list of the elements of
// an array of several, and any other value unchanged. Numpy makes such an array when
// numpy.save or numpy.array gets a dict, a model or a list of them.
func (l *loader) unwrap(v any) any {
	array, err := numpy.Parse(v)
	if err != nil || array.Type.Kind != 'O' || len(array.Shape) > 1 {
		return v
	}
	items, err := array.Items(l.budget)
	switch {
	case err != nil || len(items) == 0 || isText(items[0]):
		return v
	case len(items) == 1:
		return items[0]
	}
	return &pickle.List{Items: items}
}

// isText reports a string, as names of columns are.
func isText(v any) bool {
	s, err := numpy.Scalar(v)
	_, ok := s.(string)
	return err == nil && ok
}

// loader turns a pickle's objects into estimators.
type loader struct {
	*workspace
	budget     *pickle.Budget
	steps      []string        // the argument of LoadValue
	threshold  *Threshold      // of a bundle; or nil
	taken      []Member        // the members of a bundle that the model uses
	refused    []pickle.Global // the first name that is not allowed; empty if there is none
	args       []any           // the arguments of the call of that name
	estimators int             // loaded so far
	nesting    int             // estimators inside one another that are being loaded
	sparse     sparsity        // of the rows that the estimator is given
	histogram  bool            // the estimator is the preprocessor of HistGradientBoosting
	written    string          // the version of scikit-learn that wrote the outermost estimator
	names      []string        // of the columns, from the outermost estimator that has them
}

// workspace is memory that one load hands on to the next, emptied. Estimators copy what
// they keep.
type workspace struct {
	memory pickle.Memory         // for the pickle's objects
	attrs  [maxNesting + 1]attrs // of the estimators being loaded, outermost first
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (s *workspace) release() {
	s.memory.Reset()
	workspaces.Put(s)
}

// ignorable are prefixes of names whose objects may be in attributes that no loader
// reads: random states, losses (Cython names their module _loss), the columns of a
// DataFrame, the distributions of a search. The pickle reader builds no real object of
// them, so they do no harm. Where a loader wants an estimator, they are refused.
var ignorable = []string{"sklearn.", "numpy.random.", "numpy.vectorize", "numpy.lib.", "scipy.", "types.SimpleNamespace", "argparse.Namespace", "collections.", "pandas.", "xgboost.", "lightgbm.", "pyod.", "imblearn.", "datetime.", "decimal.", "pathlib.", "uuid.", "dateutil.", "pytz.", "zoneinfo.", "builtins.slice", "builtins.getattr", "builtins.range", "functools.partial", "joblib.memory.", "joblib._store_backends.", "numpy.ma.", "_loss.", "builtins.complex"}

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

// refusal returns the error for the first name that was not allowed, with its place in
// v. It returns nil if all names were allowed.
func (l *loader) refusal(v any) error {
	if len(l.refused) == 0 {
		return nil
	}
	return refuseFound(l.refused[0], v, l.args)
}

// refuse keeps the arguments of the first name that was not allowed.
func (l *loader) refuse(r *pickle.Refused) {
	if len(l.refused) > 0 && r.Global == l.refused[0] && l.args == nil {
		l.args = r.Args
	}
}

// estimator loads the estimator v. Step is its path in the model, for errors.
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
	given := l.sparse
	e := c.load(a)
	l.sparse = given
	if a.err == nil {
		a.setWidths(e)
	}
	if a.err != nil {
		return nil, Step{}, a.err
	}
	e.sparse = l.gives(a.class, e)
	e.label = a.class + inStep(step)
	return e, a.describe(), nil
}

// featureNames sets l.names to the names of the estimator's columns, unless an estimator
// around it has set them.
func (l *loader) featureNames(a *attrs) {
	if l.names == nil {
		l.names = a.featureNames()
	}
}
