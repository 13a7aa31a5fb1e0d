package forest

import "math"

const (
	topDepth  = 4                                        // edges that the top of a tree has
	topLeast  = 3                                        // edges of a tree whose top is used
	topRows   = 16                                       // that are compared at once
	topStride = (tile + topRows - 1) / topRows * topRows // keys from a column to the next
	topSlots  = 128                                      // columns up to which there are tops
)

// top is the first levels of a linked tree as a complete tree: below a leaf, all nodes send
// rows left, and all exits are the leaf. Node i, from 1 on, is at i-1, and its children
// are nodes 2i and 2i+1.
type top struct {
	thresholds [1<<topDepth - 1]uint32 // upper halves of keys
	columns    [1<<topDepth - 1]uint32 // bytes to where the column starts
	exits      [1 << topDepth]uint32   // nodes of the tree, from left to right
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
	var at [2 << topDepth]uint64 // nodes; the root is 1
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

// topColumns writes the upper halves of the keys of a block of n rows, column by column.
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

// exitsPortable sets nodes to those of the tree that the rows in columns come to from its
// top, sixteen rows at a time.
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
