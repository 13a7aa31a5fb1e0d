package sklearn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// isDict reports whether an object is of a subclass of dict.
func isDict(o *pickle.Object) bool {
	switch o.Class.String() {
	case "collections.OrderedDict", "collections.defaultdict", "sklearn.utils.Bunch", "sklearn.utils._bunch.Bunch", "sklearn.datasets.base.Bunch", "types.SimpleNamespace", "argparse.Namespace":
		return true
	}
	return false
}

// entriesOf returns the entries of an object for which isDict is true. Protocols 0 and
// 1 pickle an OrderedDict as a call with a list of pairs. A namespace has its entries as
// attributes.
func entriesOf(o *pickle.Object) []pickle.Entry {
	entries := o.Entries
	if attributes, ok := o.State.(*pickle.Dict); ok && strings.HasSuffix(o.Class.Name, "Namespace") {
		return attributes.Entries
	}
	if len(entries) > 0 || len(o.Args) == 0 {
		return entries
	}
	list, _ := o.Args[0].(*pickle.List)
	if list == nil {
		return nil
	}
	for _, item := range list.Items {
		pair := pickle.Items(item)
		if len(pair) == 2 {
			entries = append(entries, pickle.Entry{Key: pair[0], Value: pair[1]})
		}
	}
	return entries
}

// maxDicts is how many levels of dicts flatten opens.
const maxDicts = 3

// flatten replaces dicts among the members, and lists and tuples that have an estimator,
// by their own members, level by level, until
// one of the members is an estimator that may judge rows: {'artifacts': {'model': …},
// 'meta': {…}} becomes artifacts.model and so on. It returns the members of the dicts beside the estimators,
// among which columns and a threshold may be.
func (b *bundle) flatten() (inner []member) {
	for range maxDicts {
		estimators := slices.ContainsFunc(b.members, func(m member) bool { return b.judges(m.value) })
		inner = nil
		var flat []member
		for _, m := range b.members {
			kind, below := membersOf(m.value)
			opened := kind == "dict" || slices.ContainsFunc(below, func(n member) bool { return b.estimates(n.value) })
			if !opened || len(flat)+len(below) > maxEstimators {
				flat = append(flat, m)
				continue
			}
			for _, n := range below {
				inner = append(inner, member{m.key + "." + n.key, n.value})
			}
			flat = append(flat, inner[len(inner)-len(below):]...)
		}
		if estimators || inner == nil {
			return inner
		}
		b.members, b.keyed = flat, true
	}
	return nil
}

// prepares reports whether a value is an estimator of a class that only prepares rows.
func (b *bundle) prepares(v any) bool {
	o, ok := v.(*pickle.Object)
	if !ok || !b.estimates(v) {
		return false
	}
	parts := strings.Split(o.Class.Module, ".")
	return len(parts) > 1 && parts[0] == "sklearn" && (slices.Contains(preparing, parts[1]) || slices.Contains([]string{"decomposition", "feature_selection", "compose"}, parts[1]))
}

// judges reports whether a value is an estimator of a class that does more than prepare
// rows.
func (b *bundle) judges(v any) bool {
	if o, ok := v.(*pickle.Object); ok {
		if parts := strings.Split(o.Class.Module, "."); len(parts) > 1 && parts[0] == "sklearn" && slices.Contains(preparing, parts[1]) {
			return false
		}
	}
	return b.estimates(v)
}

// preparing are the packages of scikit-learn that have only transformers.
var preparing = []string{"preprocessing", "impute", "feature_extraction", "kernel_approximation", "random_projection"}

// addInner takes columns and a threshold from the result of flatten, if the bundle
// itself has none.
func (b *bundle) addInner(inner []member) {
	hasColumns, hasLimit := len(b.columns) > 0, len(b.limits) > 0
	for _, m := range inner {
		key := strings.ToLower(m.key)
		names := b.texts(m.value)
		switch {
		case names != nil && !hasColumns && (strings.Contains(key, "feature") || strings.Contains(key, "columns")):
			b.columns = append(b.columns, columns{m.key, names})
		case names == nil && !hasLimit:
			b.addLimit(m)
		}
	}
	differs := func(l Threshold) bool { return l.Value != b.limits[0].Value }
	if !hasLimit && slices.ContainsFunc(b.limits, differs) { // the thresholds of several alarms, for instance
		b.limits = nil
	}
}

// addTransformers adds the transformers in dicts, lists and tuples among members as parts, as in
// {'model': …, 'scalers': {'x': …}}. Prefix is the beginning of their keys. Depth is how many
// levels of containers are opened.
func (b *bundle) addTransformers(members []member, prefix string, depth int) error {
	if depth == 0 || len(b.steps) > 0 || len(members) > maxEstimators {
		return nil
	}
	for _, m := range members {
		_, below := membersOf(m.value)
		for _, n := range below {
			if !b.prepares(n.value) {
				continue
			}
			key := prefix + m.key + "." + n.key
			e, step, err := b.estimator(n.value, key)
			if err != nil {
				return err
			}
			if e.predictor == nil {
				step.Name = key
				b.parts = append(b.parts, part{key, e, step, b.names})
			}
			b.names = nil
		}
		if err := b.addTransformers(below, prefix+m.key+".", depth-1); err != nil {
			return err
		}
	}
	return nil
}

// isLimit reports the words of a key such as thr, spe_limit or UCL.
func isLimit(words []string) bool {
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "thr", "ucl":
		return true
	case "limit":
		return len(words) == 1 || slices.Contains([]string{"spe", "q", "t2", "control", "upper", "anomaly", "alarm", "score", "error", "mse", "distance"}, words[len(words)-2])
	}
	return false
}

// addLimit takes a member as a threshold if its key says so.
func (b *bundle) addLimit(m member) {
	key := strings.ToLower(m.key)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(key, w) })
	}
	if !has("thresh", "cutoff", "cut_off") && !isLimit(keyWords(m.key)) || has("percent", "pct", "quantile", "sigma", "method", "param", "grid") {
		return
	}
	if _, isBool := m.value.(bool); isBool {
		return
	}
	number, err := numpy.Float(m.value)
	if array, notArray := numpy.Parse(m.value); err != nil && notArray == nil && array.Len() == 1 {
		if one, e := array.Floats(b.budget); e == nil && len(one) == 1 {
			number, err = one[0], nil
		}
	}
	if err == nil && number-number == 0 {
		b.limits = append(b.limits, Threshold{Key: m.key, Value: number})
	}
}

// limit returns the threshold, or nil. If there are several, the one whose key is or
// ends in "threshold" counts. If none is called so and they differ, [Threshold.Err]
// says so.
func (b *bundle) limit() *Threshold {
	if len(b.limits) == 0 {
		return nil
	}
	chosen := b.limits[0]
	for _, l := range b.limits[1:] {
		if l.Value != chosen.Value {
			chosen.others = append(chosen.others, l.Key)
		}
	}
	for _, l := range b.limits {
		if words := keyWords(l.Key); len(words) > 0 && (words[len(words)-1] == "threshold" && (len(words) == 1 || strings.HasSuffix(l.Key, ".threshold"))) {
			chosen = l
			break
		}
	}
	if len(chosen.others) == 0 {
		b.take(chosen.Key, "threshold")
	}
	return &chosen
}

// keyWords splits a key into words in lower case: sc_Y.pkl into sc, y and pkl, scalerY
// into scaler and y.
func keyWords(key string) []string {
	var spaced strings.Builder
	before := ' '
	for _, c := range key {
		if unicode.IsUpper(c) && unicode.IsLower(before) {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(unicode.ToLower(c))
		before = c
	}
	return strings.FieldsFunc(spaced.String(), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// membersOf returns the members of a dict, folder, tuple or list. The kind is empty if v
// is none of these.
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
	return kind, named(members)
}

// named returns the members of a list of pairs of a name and a value, as the steps of
// a Pipeline are, by these names; others as they are.
func named(members []member) []member {
	pairs := make([]member, len(members))
	for i, m := range members {
		pair := pickle.Items(m.value)
		if len(pair) != 2 {
			return members
		}
		name, ok := pair[0].(string)
		if !ok {
			return members
		}
		pairs[i] = member{name, pair[1]}
	}
	return pairs
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
	case *pickle.Tuple: // of a device and a sensor, for instance
		var parts []string
		for _, item := range key.Items[:min(len(key.Items), 4)] {
			if item, isTuple := item.(*pickle.Tuple); isTuple {
				return pickle.Kind(item)
			}
			parts = append(parts, keyText(item))
		}
		return strings.Join(parts, ", ")
	}
	if s, err := numpy.Scalar(key); err == nil {
		if text, err := pythonText(s, 64); err == nil {
			return text
		}
	}
	return pickle.Kind(key)
}

// classNames returns the classes of a LabelEncoder as Python's print writes them.
func (l *loader) classNames(o *pickle.Object) ([]string, error) {
	v, _ := o.Attr("classes_")
	names, err := l.printed(v)
	if err != nil {
		return nil, fmt.Errorf("LabelEncoder: classes_: %w", err)
	}
	return names, nil
}
