package lightgbm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Sniff reports whether data begins as a model's text.
func Sniff(data []byte) bool {
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	return string(bytes.TrimSpace(first)) == "tree" && bytes.Contains(rest[:min(len(rest), 1024)], []byte("num_class="))
}

// lines cuts a text into lines.
type lines struct{ data []byte }

// next returns the next line without its end; false if there is none.
func (l *lines) next() ([]byte, bool) {
	if len(l.data) == 0 {
		return nil, false
	}
	line, rest, _ := bytes.Cut(l.data, []byte("\n"))
	l.data = rest
	return bytes.TrimSuffix(line, []byte("\r")), true
}

type reader struct {
	*Booster
	lines
	budget *pickle.Budget
	// Of the tree that is read, used again for the next.
	ints  [4][]int
	float []float64
}

var errMalformed = errors.New("it is malformed")

// header reads what comes before the trees.
func (r *reader) header() error {
	names, infos, features, objective := "", "", -1, ""
	for {
		before := r.data
		line, ok := r.next()
		if !ok {
			return errors.New("it ends before its trees")
		}
		key, value, _ := strings.Cut(string(line), "=")
		var err error
		switch key {
		case "version":
			r.Version = value
		case "num_tree_per_iteration":
			r.outputs, err = number(value, 1, maxOutputs)
		case "num_class":
			if r.outputs == 0 { // what old files have alone
				r.outputs, err = number(value, 1, maxOutputs)
			}
		case "max_feature_idx":
			features, err = number(value, 0, maxFeatures-1)
		case "objective":
			objective = value
		case "average_output":
			r.average = true
		case "feature_names":
			names = value
		case "feature_infos":
			infos = value
		case "Tree":
			r.data = before
			return r.describe(features+1, objective, names, infos)
		case "end of trees":
			return errors.New("it has no tree: fit it before writing it")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
}

func (r *reader) describe(features int, objective, names, infos string) error {
	switch {
	case !slices.Contains([]string{"v2", "v3", "v4"}, r.Version):
		return unsupported(fmt.Sprintf("the version %.20q of the format", r.Version), "write the model with LightGBM 2.1 to 4.7")
	case features < 1:
		return fmt.Errorf("%w: it has no max_feature_idx", errMalformed)
	case r.outputs < 1:
		return fmt.Errorf("%w: it has no num_class", errMalformed)
	}
	if err := r.budget.Take(32*features + len(names) + len(infos)); err != nil {
		return err
	}
	r.Features, r.featureInfos = features, infos
	if r.FeatureNames = strings.Split(names, " "); len(r.FeatureNames) != features {
		return fmt.Errorf("%w: %d names for %d features", errMalformed, len(r.FeatureNames), features)
	}
	if generated(r.FeatureNames) {
		r.FeatureNames = nil
	}
	var err error
	r.objective, err = parseObjective(objective, r.outputs)
	return err
}

// generated reports whether names are those that LightGBM gives to columns
// without any: Column_0 and so on.
func generated(names []string) bool {
	for i, n := range names {
		if n != "Column_"+strconv.Itoa(i) {
			return false
		}
	}
	return true
}

func number(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%w: %.40q is no integer from %d to %d", errMalformed, text, least, most)
	}
	return n, nil
}

// allTrees reads the trees, up to the line after them.
func (r *reader) allTrees() error {
	for {
		line, ok := r.next()
		switch {
		case !ok: // as 2.1 ends
			return nil
		case len(line) == 0:
			continue
		case string(line) == "end of trees" || string(line) == "feature importances:" || string(line) == "feature_importances:":
			return nil
		case !bytes.HasPrefix(line, []byte("Tree=")):
			return fmt.Errorf("%w: the line %.40q among the trees", errMalformed, line)
		}
		if err := r.budget.Take(64); err != nil {
			return err
		}
		t, err := r.tree()
		if err != nil {
			return fmt.Errorf("tree %d: %w", len(r.trees), err)
		}
		r.trees = append(r.trees, t)
	}
}

// rawTree is a tree's lines.
type rawTree struct {
	leaves, categories int
	features, decisions, left, right,
	thresholds, values,
	boundaries, bits []byte
}

// tree reads a tree, up to the empty line that ends it.
func (r *reader) tree() (tree, error) {
	var raw rawTree
	for {
		line, ok := r.next()
		if !ok || len(line) == 0 {
			break
		}
		key, value, _ := bytes.Cut(line, []byte("="))
		var err error
		switch string(key) {
		case "num_leaves":
			raw.leaves, err = number(string(value), 1, len(r.data)+len(line))
		case "num_cat":
			raw.categories, err = number(string(value), 0, len(r.data)+len(line))
		case "split_feature":
			raw.features = value
		case "decision_type":
			raw.decisions = value
		case "left_child":
			raw.left = value
		case "right_child":
			raw.right = value
		case "threshold":
			raw.thresholds = value
		case "leaf_value":
			raw.values = value
		case "cat_boundaries":
			raw.boundaries = value
		case "cat_threshold":
			raw.bits = value
		case "is_linear":
			r.linear = r.linear || string(value) == "1"
		}
		if err != nil {
			return tree{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	return r.build(&raw)
}

// nodeSize is about what a leaf and its parent take, here and in the packed
// forest.
const nodeSize = 2 * (48 + 8 + 30)

func (r *reader) build(raw *rawTree) (tree, error) {
	n := raw.leaves
	if n < 1 || len(raw.values)/2+1 < n { // a digit and a blank each
		return tree{}, fmt.Errorf("%w: %d leaves have their values in %d bytes", errMalformed, n, len(raw.values))
	}
	if err := r.budget.Take(n * nodeSize); err != nil {
		return tree{}, err
	}
	leaf := forest.ValueNode[float64]{Left: forest.Leaf, Right: forest.Leaf}
	t := tree{nodes: make([]forest.ValueNode[float64], 0, 2*n-1), values: make([]float64, n-1, 2*n-1)}
	var err error
	if t.values, err = floats(t.values, raw.values, n); err != nil {
		return t, fmt.Errorf("leaf_value: %w", err)
	}
	if n > 1 {
		if err := r.splits(&t, raw); err != nil {
			return t, err
		}
	}
	for range n {
		t.nodes = append(t.nodes, leaf)
	}
	return t, nil
}

// splits appends the nodes that are no leaves: a tree has one fewer than leaves.
func (r *reader) splits(t *tree, raw *rawTree) error {
	n := raw.leaves - 1
	var err error
	for i, of := range []struct {
		name string
		text []byte
	}{{"split_feature", raw.features}, {"left_child", raw.left}, {"right_child", raw.right}, {"decision_type", raw.decisions}} {
		if r.ints[i] = r.ints[i][:0]; of.text == nil && of.name == "decision_type" { // all 0
			r.ints[i] = append(r.ints[i], make([]int, n)...)
			continue
		}
		if r.ints[i], err = integers(r.ints[i], of.text, n); err != nil {
			return fmt.Errorf("%s: %w", of.name, err)
		}
	}
	if r.float, err = floats(r.float[:0], raw.thresholds, n); err != nil {
		return fmt.Errorf("threshold: %w", err)
	}
	sets, err := r.sets(raw)
	if err != nil {
		return err
	}
	for i := range n {
		feature, decision := r.ints[0][i], r.ints[3][i]
		s, err := node(decision, r.float[i])
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		if decision&1 != 0 && raw.categories > 0 {
			c := int(r.float[i])
			if c < 0 || c >= len(sets) {
				return fmt.Errorf("node %d: %v is none of its %d sets of categories", i, r.float[i], len(sets))
			}
			s = forest.ValueNode[float64]{Categories: sets[c]}
		}
		s.Feature, s.Left, s.Right = feature, child(r.ints[1][i], n), child(r.ints[2][i], n)
		t.nodes = append(t.nodes, s)
	}
	return nil
}

// child returns a child's position where there are so many splits: leaf k is
// written as -k-1, and stands behind the splits.
func child(i, splits int) int {
	if i < 0 {
		return splits - 1 - i
	}
	return i
}

// sets returns the sets of categories of a tree. Numbers of the set go left,
// and all others, NaN too, right.
func (r *reader) sets(raw *rawTree) ([]*forest.Set, error) {
	if raw.categories == 0 {
		return nil, nil
	}
	if raw.categories > len(raw.boundaries) {
		return nil, fmt.Errorf("%w: %d sets of categories in %d bytes", errMalformed, raw.categories, len(raw.boundaries))
	}
	if err := r.budget.Take(64*raw.categories + 8*len(raw.bits)); err != nil {
		return nil, err
	}
	boundaries, err := integers(nil, raw.boundaries, raw.categories+1)
	if err != nil {
		return nil, fmt.Errorf("cat_boundaries: %w", err)
	}
	words := boundaries[raw.categories]
	if words < 0 || words > len(raw.bits) {
		return nil, fmt.Errorf("cat_boundaries: %w: %d words in %d bytes", errMalformed, words, len(raw.bits))
	}
	all, err := integers(nil, raw.bits, words)
	if err != nil {
		return nil, fmt.Errorf("cat_threshold: %w", err)
	}
	bits := make([]uint32, words)
	for i, v := range all {
		if v < 0 || v > 1<<32-1 {
			return nil, fmt.Errorf("cat_threshold: %w: %d has no 32 bits", errMalformed, v)
		}
		bits[i] = uint32(v)
	}
	sets := make([]*forest.Set, raw.categories)
	for i := range sets {
		from, to := boundaries[i], boundaries[i+1]
		if from < 0 || to < from || to > words {
			return nil, fmt.Errorf("cat_boundaries: %w: from %d to %d of %d", errMalformed, from, to, words)
		}
		sets[i] = &forest.Set{Bits: bits[from:to]}
	}
	return sets, nil
}

// integers appends the n numbers of a line.
func integers(dst []int, text []byte, n int) ([]int, error) {
	for range n {
		var item []byte
		item, text = field(text)
		v, err := strconv.ParseInt(string(item), 10, 64)
		if err != nil {
			return dst, fmt.Errorf("%w: %.40q is no integer", errMalformed, item)
		}
		dst = append(dst, int(v))
	}
	return dst, surplus(text)
}

func floats(dst []float64, text []byte, n int) ([]float64, error) {
	for range n {
		var item []byte
		item, text = field(text)
		v, err := strconv.ParseFloat(string(item), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return dst, fmt.Errorf("%w: %.40q is no number", errMalformed, item)
		}
		dst = append(dst, v)
	}
	return dst, surplus(text)
}

// field returns the first number of a line, and what follows.
func field(text []byte) (item, rest []byte) {
	item, rest, _ = bytes.Cut(bytes.TrimLeft(text, " "), []byte(" "))
	return item, rest
}

func surplus(text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return fmt.Errorf("%w: there are more numbers than there should be", errMalformed)
	}
	return nil
}

// rest reads what matters behind the trees: the parameters linear_tree and
// categorical_feature, and the categories of a DataFrame.
func (r *reader) rest() error {
	parameter := func(line []byte, name string) (string, bool) {
		value, ok := bytes.CutPrefix(line, []byte("["+name+": "))
		return string(bytes.TrimSuffix(value, []byte("]"))), ok
	}
	pandas, categorical := "", ""
	for {
		line, ok := r.next()
		if !ok {
			break
		}
		if v, ok := parameter(line, "linear_tree"); ok && v == "1" {
			r.linear = true
		}
		if v, ok := parameter(line, "categorical_feature"); ok {
			categorical = v
		}
		if v, ok := bytes.CutPrefix(line, []byte("pandas_categorical:")); ok {
			pandas = string(v)
		}
	}
	return r.pandas(pandas, categorical)
}

// pandas reads the categories of the columns of a DataFrame that are of the type
// category: predict numbers those of rows by their position here.
func (r *reader) pandas(text, columns string) error {
	if text == "" || text == "null" || text == "[]" {
		return nil
	}
	if err := r.budget.Take(24 * len(text)); err != nil {
		return err
	}
	var lists [][]any
	if err := json.Unmarshal([]byte(text), &lists); err != nil {
		return fmt.Errorf("pandas_categorical: %w", err)
	}
	for _, item := range strings.FieldsFunc(columns, func(c rune) bool { return c == ',' }) {
		c, err := number(item, 0, r.Features-1)
		if err != nil {
			return fmt.Errorf("categorical_feature: %w", err)
		}
		r.categorical = append(r.categorical, c)
	}
	if len(r.categorical) == 0 {
		r.categorical = listed(r.featureInfos)
	}
	if len(r.categorical) != len(lists) {
		return unsupported(fmt.Sprintf("a model of a DataFrame with %d columns of the type category, of which it names %d", len(lists), len(r.categorical)), "encode them before, by OrdinalEncoder")
	}
	for i, list := range lists {
		numbers := make([]float64, len(list))
		for k, item := range list {
			var ok bool
			if numbers[k], ok = item.(float64); !ok {
				return unsupported(fmt.Sprintf("a column of categories that are no numbers (%s)", r.columnName(r.categorical[i])), "encode it before, by OrdinalEncoder, or leave it out: readings are numbers")
			}
		}
		r.categories = append(r.categories, numbers)
	}
	return nil
}

func (b *Booster) columnName(c int) string {
	if b.FeatureNames != nil {
		return strconv.Quote(b.FeatureNames[c])
	}
	return strconv.Itoa(c)
}

// listed returns the columns whose feature_infos are lists of categories, 0:2:1,
// and no range, [0:2].
func listed(infos string) (columns []int) {
	for i, info := range strings.Split(infos, " ") {
		if info != "" && info != "none" && info[0] != '[' {
			columns = append(columns, i)
		}
	}
	return columns
}
