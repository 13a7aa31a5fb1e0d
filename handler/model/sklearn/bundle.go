package sklearn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Folder is the files of a folder or zip file, each with its name and the value
// that it holds. It is read as a dict of these is.
type Folder struct {
	Kind  string // "folder" or "zip file", for messages
	Files []pickle.Entry
}

// A bundle is a dict, tuple, list or folder in which somebody keeps a model with
// what belongs to it: transformers, the names of its columns, a threshold, the
// names of its classes.
type bundle struct {
	*loader
	kind    string // "dict", "tuple", "list", "folder" or "zip file"
	keyed   bool   // members have keys, which tell what they are
	members []member
	parts   []part    // the estimators among the members
	columns []columns // lists of texts that may be their names
	classes []string  // their names, by a LabelEncoder
	limits  []Threshold
	target  *part // what a regressor's predictions come from, as y_scaler; or nil
}

// columns is a list of names, by the key that it stands under.
type columns struct {
	key   string
	names []string
}

type member struct {
	key   string // in a dict; else its position
	value any
}

// part is an estimator in a bundle.
type part struct {
	key  string
	e    *element
	step Step
}

func (p part) predicts() bool { return p.e.predictor != nil }

// givesBack reports an autoencoder, which is a model and no step before one.
func (p part) givesBack() bool {
	_, ok := p.e.transformer.(*autoencoder)
	return ok
}

// Member is what of a dict, tuple, list or folder is taken, and as what: the class
// of an estimator, or "columns", "threshold" or "class names".
type Member struct{ Key, As string }

// Threshold is the score that a bundle says a row is an anomaly from.
type Threshold struct {
	Key    string // under which it stands in the bundle
	Value  float64
	others []string // keys of other thresholds, of which none is called just that
}

// Err returns an error that wraps [ErrUnsupported] where a bundle has several
// thresholds, and nothing says which counts.
func (t *Threshold) Err() error {
	if len(t.others) == 0 {
		return nil
	}
	return &unsupported{fmt.Sprintf("there are several thresholds, %s and %s: name the one that counts in the features file, as in \"threshold\": %v", quoted(t.Key), quoted(t.others[0]), t.Value)}
}

// roles are the transformers that people keep in a dict beside the model, by
// words in their keys, in the order in which they are applied.
var roles = []string{"imput", "scal", "preprocess", "transform", "pca"}

// rank returns the position of a transformer's role among the roles, -1 if its
// key tells none.
func (p part) rank() int {
	return slices.IndexFunc(roles, func(r string) bool { return strings.Contains(strings.ToLower(p.key), r) })
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
	inner := b.spread()
	if len(b.members) > maxEstimators {
		return nil, Step{}, fmt.Errorf("%w: a %s of over %d members", pickle.ErrLimit, b.kind, maxEstimators)
	}
	for _, m := range b.members {
		if err := b.add(m); err != nil {
			return nil, Step{}, err
		}
	}
	b.addInner(inner)
	if len(b.parts) == 0 {
		if err := l.refusal(v); err != nil {
			return nil, Step{}, err
		}
		return nil, Step{}, b.refuse("none of them is a fitted estimator that is known", WriteEstimator)
	}
	steps, err := b.order()
	if err != nil {
		if refusal := l.refusal(v); refusal != nil { // what is missing may be in what was refused
			err = refusal
		}
		return nil, Step{}, err
	}
	return b.join(steps)
}

// membersOf returns what is in a dict or folder, by its keys, or in a tuple or
// list, by position. The kind is empty if v is none of these.
func membersOf(v any) (kind string, members []member) {
	var items []any
	switch v := v.(type) {
	case *pickle.Dict:
		return "dict", membersByKey(v.Entries)
	case *pickle.Object:
		if isDict(v) {
			return "dict", membersByKey(entriesOf(v))
		}
	case *Folder:
		return v.Kind, membersByKey(v.Files)
	case *pickle.Tuple:
		kind, items = "tuple", v.Items
	case *pickle.List:
		kind, items = "list", v.Items
	}
	for i, item := range items {
		members = append(members, member{strconv.Itoa(i), item})
	}
	return kind, members
}

func membersByKey(entries []pickle.Entry) (members []member) {
	for _, e := range entries {
		members = append(members, member{keyText(e.Key), e.Value})
	}
	return members
}

func keyText(key any) string {
	switch key := key.(type) {
	case string:
		return key
	case int64:
		return strconv.FormatInt(key, 10)
	}
	return pickle.Kind(key)
}

// add takes what a member is to the model, by its value and, in a dict, its key.
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
		b.parts = append(b.parts, part{m.key, e, step})
		return nil
	}
	if o, ok := m.value.(*pickle.Object); ok && o.Class.Name == "LabelEncoder" {
		names, err := b.classNames(o)
		b.classes = names
		b.take(m.key, "class names")
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

// take notes that a member is taken.
func (b *bundle) take(key, as string) { b.taken = append(b.taken, Member{key, as}) }

// estimates reports whether a value is an estimator that is known.
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

// classNames returns the classes of a LabelEncoder, as Python prints them.
func (l *loader) classNames(o *pickle.Object) ([]string, error) {
	v, _ := o.Attr("classes_")
	names, err := l.printed(v)
	if err != nil {
		return nil, fmt.Errorf("LabelEncoder: classes_: %w", err)
	}
	return names, nil
}

// texts returns the strings in a list, tuple, array or Index of pandas; nil if v is
// none of these, empty, or has anything else in it.
func (b *bundle) texts(v any) []string {
	v = indexData(v)
	var items []any
	switch v := v.(type) {
	case *pickle.List:
		items = v.Items
	case *pickle.Tuple:
		items = v.Items
	default:
		array, err := numpy.Parse(v)
		if err != nil {
			return nil
		}
		if items, err = array.Items(b.budget); err != nil {
			return nil
		}
	}
	names := make([]string, 0, len(items))
	for _, item := range items {
		item, _ := numpy.Scalar(item)
		name, ok := item.(string)
		if !ok {
			return nil
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	return names
}

// indexData returns the array in an Index of pandas:
// _new_Index(class, {'data': array, 'name': None}), in which since pandas 3 stands a
// StringArray, whose state is (dtype, array, {}). Others are returned as they are.
func indexData(v any) any {
	o, ok := v.(*pickle.Object)
	if !ok || !strings.HasPrefix(o.Class.Module, "pandas.") {
		return v
	}
	if o.Class.Name == "_new_Index" && len(o.Args) == 2 {
		if d, ok := o.Args[1].(*pickle.Dict); ok {
			data, _ := d.Get("data")
			if o, ok = data.(*pickle.Object); !ok || !strings.HasPrefix(o.Class.Module, "pandas.") {
				return data
			}
		}
	}
	if state, ok := o.State.(*pickle.Tuple); ok && len(state.Items) > 1 {
		return state.Items[1]
	}
	return v
}

// order returns the parts in the order in which they are applied, the one that
// predicts last.
func (b *bundle) order() ([]part, error) {
	if len(b.steps) > 0 {
		return b.listed()
	}
	if !slices.ContainsFunc(b.parts, part.predicts) && (len(b.limits) > 0 || slices.ContainsFunc(b.parts, part.givesBack)) {
		b.promote(b.parts)
	}
	var before []part
	var last *part
	for i, p := range b.parts {
		if !p.predicts() {
			before = append(before, p)
			continue
		}
		if last != nil {
			return nil, b.refuse("more than one of them predicts", fmt.Sprintf(`write each into a file of its own, or name the one that counts in the features file, as in "steps": [%s]`, quoted(last.key)))
		}
		last = &b.parts[i]
	}
	if last != nil {
		before = b.takeTarget(before, *last)
	}
	switch {
	case last == nil:
		return nil, b.nonePredicts()
	case b.stranger() != "":
		return nil, b.refuse("what "+quoted(b.stranger())+" does to the rows is not known here", b.settle(append(before, *last)))
	case len(before) == 0:
		return []part{*last}, nil
	case b.keyed:
		ordered := inOrder(before, *last)
		if ordered == nil {
			return nil, b.refuse("in which order its transformers are applied is not clear", b.settle(append(before, *last)))
		}
		before = ordered
	case len(before) > 1 && last != &b.parts[len(b.parts)-1]:
		return nil, b.refuse("in which order its transformers are applied is not clear", b.settle(append(before, *last)))
	}
	for _, p := range before {
		if last.step.holds(p.step.Class) {
			return nil, b.refuse("whether "+quoted(p.key)+" is applied before "+quoted(last.key)+", which has such a step of its own, is not clear", b.settle([]part{*last}))
		}
	}
	return append(before, *last), nil
}

// nonePredicts says why none of the parts predicts: one may be of a class that cannot.
func (b *bundle) nonePredicts() error {
	for _, m := range b.members {
		if o, ok := m.value.(*pickle.Object); ok && !b.estimates(o) && strings.HasPrefix(o.Class.Module, "sklearn.") && o.Class.Name != "LabelEncoder" {
			return refuseClass(o.Class, " under "+quoted(m.key))
		}
	}
	return b.refuse("none of them predicts", "put the fitted model beside them, or write one Pipeline of all")
}

// promote makes the last part that can judge rows by itself, PCA for instance,
// the one that predicts.
func (b *bundle) promote(parts []part) {
	for i := len(parts) - 1; i >= 0; i-- {
		if e := parts[i].e.alone(); e.predictor != nil {
			parts[i].e = e
			return
		}
	}
}

// holds reports whether a step of that class is inside s.
func (s Step) holds(class string) bool {
	return slices.ContainsFunc(s.Steps, func(inner Step) bool { return inner.Class == class || inner.holds(class) })
}

// listed returns the parts that the features file names.
func (b *bundle) listed() ([]part, error) {
	var ordered []part
	steps := b.dropTarget()
	for i, key := range steps {
		at := slices.IndexFunc(b.parts, func(p part) bool { return p.key == key })
		switch {
		case at < 0 && slices.ContainsFunc(b.members, func(m member) bool { return m.key == key }):
			return nil, b.refuse("the step "+quoted(key)+" of the features file is no estimator", b.settle(b.parts))
		case at < 0:
			return nil, b.refuse("the features file names a step "+quoted(key)+", which is not there", "name those that are")
		}
		p, last := b.parts[at], i == len(steps)-1
		if last {
			p.e = p.e.alone()
		}
		if p.predicts() != last && p.e.transformer == nil || last && !p.predicts() {
			return nil, b.refuse("the last of the steps in the features file has to be the one that predicts, and only that", b.settle(b.parts))
		}
		ordered = append(ordered, p)
	}
	return ordered, nil
}

// transforming are the packages of scikit-learn whose classes transform rows, but for
// the names of classes.
var transforming = []string{"preprocessing", "decomposition", "impute", "feature_selection", "feature_extraction", "compose", "pipeline", "kernel_approximation", "random_projection", "manifold", "cross_decomposition"}

// stranger returns the key of an object that may be a transformer, but is of no
// class that is known; "" if there is none.
func (b *bundle) stranger() string {
	for _, m := range b.members {
		o, ok := m.value.(*pickle.Object)
		if !ok || b.estimates(o) || slices.Contains([]string{"LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"}, o.Class.Name) {
			continue
		}
		if parts := strings.Split(o.Class.Module, "."); len(parts) > 1 && parts[0] == "sklearn" && slices.Contains(transforming, parts[1]) {
			return m.key
		}
	}
	return ""
}

// settle says how the features file settles the order of parts.
func (b *bundle) settle(parts []part) string {
	keys := make([]string, len(parts))
	for i, p := range parts {
		keys[i] = quoted(p.key)
	}
	return fmt.Sprintf(`write one Pipeline of them, make_pipeline(scaler, model), or name them in their order in the features file, as in "steps": [%s]`, strings.Join(keys, ", "))
}

// refuse returns an error that says what is in the bundle, as far as a message has
// room.
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

// join returns the estimator that the parts are together.
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

// name gives the columns the names that the bundle has for them, and the classes
// theirs, unless the estimators have names.
func (b *bundle) name(e *element) error {
	if err := b.nameColumns(e); err != nil {
		return err
	}
	if e.classes == nil || b.classes == nil {
		return nil
	}
	names := make([]string, len(e.classes.names))
	for i, class := range e.classes.names {
		at, err := strconv.Atoi(class)
		if err != nil || at < 0 || at >= len(b.classes) {
			return nil // the model's classes are no codes of this encoder
		}
		names[i] = b.classes[at]
	}
	renamed := *e.classes
	renamed.names = names
	e.classes = &renamed
	return nil
}
