package forest

import "math"

const (
	topDepth  = 4                                        // levels of a top
	topLeast  = 3                                        // the least depth of a tree whose top is used
	topRows   = 16                                       // rows that are compared at once
	topStride = (tile + topRows - 1) / topRows * topRows // keys from the start of a column to that of the next
	topSlots  = 128                                      // most columns of a forest with tops
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

// makeTops sets the tops of the linked trees if the processor can use them.
func (f *Values[X, V]) makeTops() {
	if !hasTops || len(f.slots) > topSlots || len(f.linked) == 0 {
		return
	}
	f.tops = make([]top, len(f.trees))
	for i, t := range f.trees {
		if t.layout == linked {
			f.tops[i] = newTop(f.linked[t.first:])
		}
	}
}

func newTop(nodes []uint64) (t top) {
	var at [2 << topDepth]uint64 // the nodes of the tree, by their number in the top
	for i := 1; i < 1<<topDepth; i++ {
		n := nodes[at[i]]
		left, column := n&math.MaxUint16, n>>16&math.MaxUint16/rows
		if at[2*i], at[2*i+1] = left, left+1; left == at[i] {
			at[2*i+1] = left
		}
		t.thresholds[i-1], t.columns[i-1] = uint32(n>>32), uint32(column)*topStride*4
	}
	for i, node := range at[1<<topDepth:] {
		t.exits[i] = uint32(node)
	}
	return t
}

// topColumns writes the upper halves of the keys of a block of n rows to columns. A column
// begins every topStride numbers.
func topColumns(columns []uint32, block []uint64, slots, n int) {
	for first := 0; first < n; first += rows {
		for i := range slots {
			column := columns[i*topStride+first:][:rows]
			for l, k := range block[i*rows:][:rows] {
				column[l] = uint32(k >> 32)
			}
		}
		block = block[slots*rows:]
	}
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
