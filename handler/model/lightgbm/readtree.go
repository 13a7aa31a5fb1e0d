package lightgbm

import (
	"bytes"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/forest"
)

// rawTree is the text of a tree: num_leaves, num_cat, and lines of numbers.
type rawTree struct {
	leaves, categories int
	features, decisions, left, right,
	thresholds, values,
	boundaries, bits []byte
}

// tree reads a tree and the empty line that ends it.
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

// nodeSize is about how many bytes a leaf and its parent take, here and in the packed
// forest.
const nodeSize = 2 * (48 + 8 + 30)

func (r *reader) build(raw *rawTree) (tree, error) {
	n := raw.leaves
	if n < 1 || len(raw.values)/2+1 < n { // a value takes a digit and a blank at least
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

// splits appends the nodes that are not leaves. There is one less than there are leaves.
func (r *reader) splits(t *tree, raw *rawTree) error {
	n := raw.leaves - 1
	var err error
	for i, of := range []struct {
		name string
		text []byte
	}{{"split_feature", raw.features}, {"left_child", raw.left}, {"right_child", raw.right}, {"decision_type", raw.decisions}} {
		if r.ints[i] = r.ints[i][:0]; of.text == nil && of.name == "decision_type" { // without the line all are 0
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

// child returns the position of a child in tree.nodes. In the file leaf k is -k-1. In
// tree.nodes the leaves come after the splits.
func child(i, splits int) int {
	if i < 0 {
		return splits - 1 - i
	}
	return i
}

// sets returns the sets of categories of a tree. Numbers in the set go left. All others and
// NaN go right.
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
