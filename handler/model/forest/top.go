package forest

import (
	"math"
	"slices"
)

const (
	topDepth  = 4                                        // levels of a top
	topLeast  = 3                                        // tops are used if a tree is at least this deep
	topRows   = 16                                       // rows that are compared at once
	topStride = (tile + topRows - 1) / topRows * topRows // keys from the start of a column to that of the next
	topSlots  = 128                                      // most columns of a forest with tops

	noKeyAbove = math.MaxUint32 // a threshold that sends all rows left
)

// top is the first levels of a linked tree as a complete binary tree. If the tree has a
// leaf in these levels, the nodes below it in the top send all rows left, to that leaf.
// Nodes are numbered from 1, and the children of node i are 2i and 2i+1. Node i is at
// position i-1.
type top struct {
	thresholds [1<<topDepth - 1]uint32 // the upper halves of the keys
	columns    [1<<topDepth - 1]uint32 // the byte at which the column of the feature begins
	exits      [1 << topDepth]uint32   // the nodes of the tree below the top, from left to right
}

// makeTops sets the tops and subtrees of the linked trees if the processor can use them.
func (f *Values[X, V]) makeTops() {
	deep := func(t valueTree) bool { return t.layout == linked && t.depth >= topLeast }
	if f.grouped = true; !hasTops || len(f.slots) > topSlots || !slices.ContainsFunc(f.trees, deep) {
		return
	}
	f.tops = make([]top, len(f.trees))
	for i, t := range f.trees {
		if t.layout == linked {
			f.tops[i] = newTop(f.linked[t.first:])
		}
	}
	f.twins, f.lanes = twins(f.slots), newLanes(f.slots)
	f.makeSubtrees()
	f.grouped = slices.ContainsFunc(f.trees, func(t valueTree) bool {
		return t.layout != linked || t.depth > topDepth && t.levels == 0
	})
}

func newTop(nodes []uint64) (t top) {
	complete := completeTree(nodes, 0)
	for i := 1; i < 1<<topDepth; i++ {
		n := nodes[complete[i]]
		t.thresholds[i-1], t.columns[i-1] = uint32(n>>32), uint32(columnOf(n))*topStride*4
	}
	copy(t.exits[:], complete[1<<topDepth:])
	return t
}

// completeTree returns the nodes of a linked tree by their numbers in a top whose root is
// the given node. Its exits are after them. Below a leaf there is the leaf.
func completeTree(nodes []uint64, root uint32) (complete [2 << topDepth]uint32) {
	complete[1] = root
	for i := 1; i < 1<<topDepth; i++ {
		left := leftChild(nodes[complete[i]])
		complete[2*i], complete[2*i+1] = left, left+1
		if left == complete[i] {
			complete[2*i+1] = left
		}
	}
	return complete
}

// exitsPortable sets nodes[i] to the node of the tree that row i reaches below the top.
func exitsPortable(nodes, columns []uint32, t *top) {
	for row := range nodes {
		i := 1
		for range topDepth {
			right := 0
			if columns[int(t.columns[i-1]/4)+row] > t.thresholds[i-1] {
				right = 1
			}
			i = 2*i + right
		}
		nodes[row] = t.exits[i-1<<topDepth]
	}
}
