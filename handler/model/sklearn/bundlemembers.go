package sklearn

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
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
		var pair []any
		switch item := item.(type) {
		case *pickle.List:
			pair = item.Items
		case *pickle.Tuple:
			pair = item.Items
		}
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

// targetWords are what people call that which a regressor was fitted on.
var targetWords = []string{"y", "target", "targets", "output", "outputs", "label", "labels", "response"}

// takeTarget takes of the transformers of a bundle the one of a regressor's target.
func (b *bundle) takeTarget(before []part, last part) []part {
	if !b.keyed || last.e.kind != predict.Regressor {
		return before
	}
	isTarget := func(p part) bool {
		return p.e.fits(1) && p.e.invertible() && slices.ContainsFunc(keyWords(p.key), func(w string) bool { return slices.Contains(targetWords, w) })
	}
	at := slices.IndexFunc(before, isTarget)
	if at < 0 || slices.ContainsFunc(before[at+1:], isTarget) {
		return before
	}
	b.target = &before[at]
	return slices.Concat(before[:at], before[at+1:])
}

// dropTarget returns the steps that the features file names, without a last one that
// is the transformer of the target of the regressor before it.
func (b *bundle) dropTarget() []string {
	at := func(key string) int { return slices.IndexFunc(b.parts, func(p part) bool { return p.key == key }) }
	n := len(b.steps)
	if n < 2 {
		return b.steps
	}
	last, regressor := at(b.steps[n-1]), at(b.steps[n-2])
	if last < 0 || regressor < 0 || b.parts[last].predicts() || !b.parts[last].e.fits(1) || !b.parts[last].e.invertible() ||
		!b.parts[regressor].predicts() || b.parts[regressor].e.kind != predict.Regressor {
		return b.steps
	}
	b.target = &b.parts[last]
	return b.steps[:n-1]
}

// maxOrders is how many transformers are tried in every order.
const maxOrders = 5

// inOrder returns transformers in the order of their roles, nil if these do not say
// it and their widths leave none, or more than one.
func inOrder(before []part, last part) []part {
	ordered := slices.Clone(before)
	slices.SortStableFunc(ordered, func(a, b part) int { return a.rank() - b.rank() })
	clear := len(before) < 2
	if !clear {
		clear = true
		for i := range ordered {
			clear = clear && ordered[i].rank() >= 0 && (i == 0 || ordered[i].rank() != ordered[i-1].rank())
		}
	}
	if clear {
		return ordered
	}
	if len(before) > maxOrders {
		return nil
	}
	var found [][]part
	fitting(nil, before, last, &found)
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// fitting finds the orders of rest, after those in taken, in which each takes the
// columns that the one before it gives, and roles come in their order.
func fitting(taken, rest []part, last part, found *[][]part) {
	fits := func(p part) bool {
		if len(taken) == 0 {
			return true
		}
		gives := taken[len(taken)-1].e.out
		return gives == anyWidth || p.e.fits(gives)
	}
	if len(rest) == 0 {
		if fits(last) {
			*found = append(*found, slices.Clone(taken))
		}
		return
	}
	for i, p := range rest {
		later := func(q part) bool { return q.rank() >= 0 && p.rank() >= 0 && q.rank() < p.rank() }
		others := slices.Concat(rest[:i], rest[i+1:])
		if fits(p) && !slices.ContainsFunc(others, later) {
			fitting(append(taken[:len(taken):len(taken)], p), others, last, found)
		}
	}
}

// nameColumns gives the columns the names that the bundle has for them, unless the
// estimators have some. Of several lists it is the one that is as long as rows are
// wide; of several such the one that is called most plainly.
func (b *bundle) nameColumns(e *element) error {
	if e.in == anyWidth && len(b.columns) == 1 {
		e.in = min(len(b.columns[0].names), maxFeatures)
	}
	if b.names != nil || len(b.columns) == 0 {
		return nil
	}
	fit := slices.DeleteFunc(slices.Clone(b.columns), func(c columns) bool { return len(c.names) != e.in })
	if len(fit) == 0 {
		c := b.columns[0]
		return fmt.Errorf("the %s names %d columns, but the model in it takes %d (they stand under %s): write the list of those it was fitted on", b.kind, len(c.names), e.in, quoted(c.key))
	}
	slices.SortStableFunc(fit, func(a, b columns) int { return a.plainness() - b.plainness() })
	for _, c := range fit[1:] {
		if !slices.Equal(c.names, fit[0].names) && c.plainness() == fit[0].plainness() {
			return b.refuse("whether "+quoted(fit[0].key)+" or "+quoted(c.key)+" are the model's columns is not clear", "write the list of those it was fitted on as \"features\"")
		}
	}
	b.names = fit[0].names
	b.take(fit[0].key, "columns")
	return nil
}

// plainness tells how plainly a list of columns is called so, 0 the most.
func (c columns) plainness() int {
	words := keyWords(c.key)
	plain := []string{"feature", "features", "feature_names", "feature_columns", "feature_cols", "columns", "cols"}
	if i := slices.Index(plain, strings.Join(words, "_")); i >= 0 {
		return 0
	}
	if len(words) > 0 && slices.Contains(words, "features") || slices.Contains(words, "feature") {
		return 1
	}
	return 2
}
