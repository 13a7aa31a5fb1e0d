package forest

import (
	"fmt"
	"math"
)

// Leaf is the value of both children of a leaf (TREE_LEAF in scikit-learn's
// tree/_tree.pyx).
const Leaf = -1

// Node is a node of scikit-learn's tree_. A row goes left if its feature, rounded to
// float32, is less than or equal to the threshold.
type Node struct {
	Left, Right int // positions of the children, which come after the node; Leaf in a leaf
	Feature     int // the position in Tree.Features; unused in a leaf
	Threshold   float64
	NaNLeft     bool // NaN goes left (missing_go_to_left)
	Samples     int  // n_node_samples
}

// Tree is a fitted tree; its root is the first node.
type Tree struct {
	Nodes []Node
	// Features holds the columns that the tree was fitted on
	// (estimators_features_); nil means all of them.
	Features []int
}

// check returns an error unless t is one tree for rows of that many features: every node
// but the root must be the child of exactly one node before it. Depth is the number of
// edges from the root to the deepest leaf.
func (t Tree) check(features int) (depth int, err error) {
	if len(t.Nodes) == 0 {
		return 0, fmt.Errorf("it has no node")
	}
	for _, column := range t.Features {
		if column < 0 || column >= features {
			return 0, fmt.Errorf("column %d is not one of %d", column, features)
		}
	}
	if t.Features != nil {
		features = len(t.Features)
	}
	depths := make([]int, len(t.Nodes))
	for i, n := range t.Nodes {
		if err := n.check(i, features, depths); err != nil {
			return 0, fmt.Errorf("node %d: %w", i, err)
		}
		depth = max(depth, depths[i])
	}
	return depth, nil
}

// check checks the node at position i, and sets the depths of its children.
func (n Node) check(i, features int, depths []int) error {
	switch {
	case i > 0 && depths[i] == 0:
		return fmt.Errorf("no node before it is its parent")
	case n.Samples < 0:
		return fmt.Errorf("%d samples", n.Samples)
	case n.Left == Leaf && n.Right == Leaf:
		return nil
	case n.Feature < 0 || n.Feature >= features:
		return fmt.Errorf("feature %d is not one of %d", n.Feature, features)
	case math.IsNaN(n.Threshold) || math.IsInf(n.Threshold, 0):
		return fmt.Errorf("threshold %v is not finite", n.Threshold)
	}
	for _, child := range [...]int{n.Left, n.Right} {
		if child <= i || child >= len(depths) {
			return fmt.Errorf("child %d is not among the nodes after it", child)
		}
		if depths[child] > 0 {
			return fmt.Errorf("child %d has another parent", child)
		}
		depths[child] = depths[i] + 1
	}
	return nil
}
