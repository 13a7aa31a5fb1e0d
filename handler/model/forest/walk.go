package forest

import "math/bits"

// rows is the number of rows that go down a tree together, called a group. Their steps do
// not depend on each other, so the processor works on some rows while it loads the nodes of
// others. The assembly has registers for this many.
//
// A block is one or more groups. A group holds its keys column by column: the key of row l
// in the column that begins at c is at c+l.
const rows = 11

// linkedLeavesPortable sets leaves to the leaves of a linked tree that the rows of a block
// reach.
func linkedLeavesPortable(leaves []uint32, block, nodes []uint64, depth int) {
	clear(leaves)
	onwardLeavesPortable(leaves, block, nodes, depth)
}

// onwardLeavesPortable goes depth steps down from the nodes in leaves.
func onwardLeavesPortable(leaves []uint32, block, nodes []uint64, depth int) {
	for stride := len(block) * rows / len(leaves); len(leaves) > 0; leaves, block = leaves[rows:], block[stride:] {
		group, at := block[:stride], [rows]uint32(leaves)
		for range depth {
			for l := range at {
				at[l] = linkedChild(nodes, at[l], group, l)
			}
		}
		copy(leaves, at[:])
	}
}

// wideLeavesPortable is linkedLeavesPortable for a wide tree.
func wideLeavesPortable(leaves []uint32, block, nodes []uint64, depth int) {
	for stride := len(block) * rows / len(leaves); len(leaves) > 0; leaves, block = leaves[rows:], block[stride:] {
		group, at := block[:stride], [rows]uint32{}
		for range depth {
			for l := range at {
				at[l] = wideChild(nodes, at[l], group, l)
			}
		}
		copy(leaves, at[:])
	}
}

// leftChild returns the left child of a linked node.
func leftChild(n uint64) uint32 { return uint32(uint16(n)) }

// columnOf returns the position in Values.slots of the column of a linked node.
func columnOf(n uint64) int { return int(uint16(n>>16)) / rows }

// linkedChild returns the child of node i that a row of the group goes to.
func linkedChild(nodes []uint64, i uint32, group []uint64, row int) uint32 {
	n := nodes[i]
	return leftChild(n) + above(group[int(uint16(n>>16))+row], n)
}

// wideChild is linkedChild for a wide tree.
func wideChild(nodes []uint64, i uint32, group []uint64, row int) uint32 {
	threshold, n := nodes[i], nodes[i+2]
	return uint32(n>>32) + above(group[int(uint32(n))+row], threshold)
}

// above returns 1 if the key is above the threshold, else 0, without a branch.
func above(key, threshold uint64) uint32 {
	_, borrow := bits.Sub64(threshold, key, 0)
	return uint32(borrow)
}
