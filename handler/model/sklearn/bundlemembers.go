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

// isDict reports an object that is a dict to those who wrote it.
func isDict(o *pickle.Object) bool {
	switch o.Class.String() {
	case "collections.OrderedDict", "collections.defaultdict", "sklearn.utils.Bunch", "sklearn.utils._bunch.Bunch", "sklearn.datasets.base.Bunch":
		return true
	}
	return false
}

// entriesOf returns what is in such a dict. In protocols before 2 an OrderedDict is
// called with a list of pairs.
func entriesOf(o *pickle.Object) []pickle.Entry {
	entries := o.Entries
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

// maxSpread is how deep a bundle may be inside others.
const maxSpread = 3

// spread looks for the model in the dicts inside, where no member is an estimator
// itself: in {'artifacts': {'model': …}, 'meta': {…}} the members are those of both,
// by keys such as artifacts.model. Where some are, it returns what is in the dicts
// inside, in which columns and a threshold may stand.
func (b *bundle) spread() (inner []member) {
	for range maxSpread {
		estimators := slices.ContainsFunc(b.members, func(m member) bool { return b.estimates(m.value) })
		inner = nil
		var flat []member
		for _, m := range b.members {
			kind, below := membersOf(m.value)
			if kind != "dict" || len(flat)+len(below) > maxEstimators {
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

// addInner takes the columns and the threshold of dicts inside, unless there are some.
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
	if !hasLimit && slices.ContainsFunc(b.limits, differs) { // such as those of several alarms
		b.limits = nil
	}
}

// addLimit takes a member as a threshold if its key says so.
func (b *bundle) addLimit(m member) {
	key := strings.ToLower(m.key)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(key, w) })
	}
	if !has("thresh", "cutoff", "cut_off") || has("percent", "pct", "quantile", "sigma", "method", "param", "grid") {
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

// limit returns the threshold, nil if there is none. Of several the one that is called
// so counts; else, if they differ, none can be told from the others.
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

// keyWords splits a key into its words, in lower case: sc_Y.pkl, scalerY.
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

// classNames returns the classes of a LabelEncoder, as Python prints them.
func (l *loader) classNames(o *pickle.Object) ([]string, error) {
	v, _ := o.Attr("classes_")
	names, err := l.printed(v)
	if err != nil {
		return nil, fmt.Errorf("LabelEncoder: classes_: %w", err)
	}
	return names, nil
}
