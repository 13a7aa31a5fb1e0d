package sklearn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Folder is a folder or zip file whose files have been read. [LoadValue] reads it like
// a dict from file names to values.
type Folder struct {
	Kind  string         // "folder" or "zip file", for messages
	Files []pickle.Entry // the key is the file's name
}

// A bundle is a dict, tuple, list or folder that holds a model and what belongs to it:
// transformers, the names of its columns, a threshold, the names of its classes.
type bundle struct {
	*loader
	kind     string // "dict", "tuple", "list", "folder" or "zip file"
	keyed    bool   // the members have keys, and keys say what members are
	members  []member
	parts    []part      // the estimators among the members
	columns  []columns   // lists of strings that may be the names of the columns
	encoders []columns   // the classes of each LabelEncoder
	limits   []Threshold // numbers whose keys say that they are thresholds
	target   *part       // the transformer of a regressor's target, y_scaler for instance; or nil
}

// columns is a list of names and its key in the bundle.
type columns struct {
	key   string
	names []string
}

type member struct {
	key   string // the key in a dict, or the position in a list or tuple
	value any
}

// part is an estimator in a bundle.
type part struct {
	key   string
	e     *element
	step  Step
	names []string // of the columns that it was fitted on, if it keeps them
}

func (p part) predicts() bool { return p.e.predictor != nil }

// Member is a member of a dict, tuple, list or folder that the model uses. As says
// what for: the class of an estimator, or "columns", "threshold" or "class names".
type Member struct{ Key, As string }

// Threshold is a score that stands beside a model in a dict: from it on a row is an
// anomaly.
type Threshold struct {
	Key    string // its key in the dict
	Value  float64
	others []string // keys of other thresholds, if nothing says which one counts
}

// Err returns an error that wraps [ErrUnsupported] if the dict has several thresholds
// and nothing says which one counts.
func (t *Threshold) Err() error {
	if len(t.others) == 0 {
		return nil
	}
	return &unsupported{fmt.Sprintf("there are several thresholds, %s and %s: name the one that counts in the features file, as in \"threshold\": %v", quoted(t.Key), quoted(t.others[0]), t.Value)}
}

// errNoBundle says that a value is no dict, tuple, list or folder.
var errNoBundle = errors.New("no bundle")

// unbundle reads a dict, tuple, list or folder. It returns errNoBundle if v is none.
func (l *loader) unbundle(v any) (*element, Step, error) {
	b := &bundle{loader: l}
	if b.kind, b.members = membersOf(v); b.kind == "" {
		return nil, Step{}, errNoBundle
	}
	b.keyed = b.kind != "tuple" && b.kind != "list"
	inner := b.flatten()
	if len(b.members) > maxEstimators {
		return nil, Step{}, fmt.Errorf("%w: a %s of over %d members", pickle.ErrLimit, b.kind, maxEstimators)
	}
	for _, m := range b.members {
		if err := b.add(m); err != nil {
			return nil, Step{}, err
		}
	}
	b.addInner(inner)
	if err := b.addTransformers(b.members, "", maxDicts); err != nil {
		return nil, Step{}, err
	}
	if len(b.parts) == 0 {
		if err := l.refusal(v); err != nil {
			return nil, Step{}, err
		}
		if len(b.steps) > 0 && slices.ContainsFunc(b.members, func(m member) bool { return b.estimates(m.value) }) {
			return nil, Step{}, b.refuse("the features file names a step "+quoted(b.steps[0])+", which is no estimator in it", "name those that are")
		}
		return nil, Step{}, b.refuse("none of them is a fitted estimator that is known", WriteEstimator)
	}
	steps, err := b.order()
	if err == nil {
		err = b.takeSparse(steps)
	}
	if err != nil {
		if refusal := l.refusal(v); refusal != nil { // what is missing may be in what was refused
			err = refusal
		}
		return nil, Step{}, err
	}
	return b.join(steps)
}

// add sorts a member by its value and its key: an estimator, class names, columns or a
// threshold. Other members are ignored.
func (b *bundle) add(m member) error {
	key := strings.ToLower(m.key)
	named := func(words ...string) bool {
		return !b.keyed || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(key, w) })
	}
	if b.estimates(m.value) {
		if len(b.steps) > 0 && !slices.Contains(b.steps, m.key) {
			return nil
		}
		e, step, err := b.estimator(m.value, m.key)
		if err != nil {
			return err
		}
		step.Name = m.key
		b.parts = append(b.parts, part{m.key, e, step, b.names})
		b.names = nil
		return nil
	}
	if o, ok := m.value.(*pickle.Object); ok && o.Class.Name == "LabelEncoder" {
		names, err := b.classNames(o)
		b.encoders = append(b.encoders, columns{m.key, names})
		return err
	}
	if names := b.texts(m.value); names != nil && named("feature", "column", "cols") {
		b.columns = append(b.columns, columns{m.key, names})
		return nil
	}
	if b.keyed {
		b.addLimit(m)
	}
	return nil
}

// take records that the model uses a member.
func (b *bundle) take(key, as string) { b.taken = append(b.taken, Member{key, as}) }

// estimates reports whether a value is an estimator of a supported class.
func (b *bundle) estimates(v any) bool {
	switch v := v.(type) {
	case *pickle.Object:
		_, known := classes[v.Class]
		return known
	case predict.Model:
		return true
	}
	return false
}

// refuse returns an error that names the first members of the bundle.
func (b *bundle) refuse(why, instead string) error {
	const most = 20
	var keys []string
	for _, m := range b.members[:min(len(b.members), most)] {
		keys = append(keys, quoted(m.key)+" ("+b.describe(m.value)+")")
	}
	if len(b.members) > most {
		keys = append(keys, fmt.Sprintf("and %d more", len(b.members)-most))
	}
	return &unsupported{fmt.Sprintf("the %s of %s is not supported, since %s: %s", b.kind, strings.Join(keys, ", "), why, instead)}
}

func (b *bundle) describe(v any) string {
	if o, ok := v.(*pickle.Object); ok {
		return o.Class.Name
	}
	return strings.TrimPrefix(strings.TrimPrefix(pickle.Kind(v), "an "), "a ")
}

func quoted(key string) string { return fmt.Sprintf("%.60q", key) }

// join makes one estimator of parts, which are in the order of their application.
func (b *bundle) join(parts []part) (*element, Step, error) {
	last := parts[len(parts)-1]
	e, step := last.e, last.step
	step.Name = ""
	if len(parts) > 1 {
		a := &attrs{loader: b.loader, class: "the " + b.kind}
		p := &pipeline{last: last.e}
		step = Step{Class: b.kind}
		for i, part := range parts {
			if i < len(parts)-1 {
				p.steps = append(p.steps, part.e)
			}
			step.Steps = append(step.Steps, part.step)
		}
		if e = a.chain(p); a.err != nil {
			return nil, Step{}, a.err
		}
		e.label = a.class
	}
	if b.target != nil {
		e = &element{role: regresses, predictor: &target{e, b.target.e}, in: e.in, out: e.in, accepts: anyNumber, size: e.size + b.target.e.size, label: e.label}
	}
	b.names = nil
	for _, p := range parts {
		if b.names == nil && len(p.names) == e.in {
			b.names = p.names
		}
	}
	if err := b.name(e); err != nil {
		return nil, Step{}, err
	}
	b.threshold = b.limit()
	for _, p := range parts {
		b.take(p.key, p.step.Class)
	}
	if b.target != nil {
		b.take(b.target.key, b.target.step.Class+" of the prediction")
	}
	return e, step, nil
}

// name sets the names of columns and classes from the bundle, where the estimators
// have none.
func (b *bundle) name(e *element) error {
	if err := b.nameColumns(e); err != nil {
		return err
	}
	return b.nameClasses(e)
}
