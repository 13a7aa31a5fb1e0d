package forest

import "math/bits"

// rows is how many walk down a tree together: a group. They are independent of each
// other, so that the processor works on all while it waits for what one has to load. The
// assembly has registers for so many.
//
// A block is of groups that follow each other. A group holds its rows column by column:
// the key of row l in the column that starts at c is at c+l.
const rows = 11

// linkedLeavesPortable sets leaves to the nodes of a linked tree that the rows of a block
// end in.
func linkedLeavesPortable(leaves []uint32, block, nodes []uint64, depth uint32) {
	clear(leaves)
	onwardLeavesPortable(leaves, block, nodes, depth)
}

// onwardLeavesPortable walks on from the nodes in leaves, so many steps.
func onwardLeavesPortable(leaves []uint32, block, nodes []uint64, depth uint32) {
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

// wideLeavesPortable is linkedLeavesPortable of a wide tree.
func wideLeavesPortable(leaves []uint32, block, nodes []uint64, depth uint32) {
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

// linkedChild returns the child of node i that a row of the group goes to.
func linkedChild(nodes []uint64, i uint32, group []uint64, row int) uint32 {
	n := nodes[i]
	return uint32(uint16(n)) + above(group[int(uint16(n>>16))+row], n)
}

// wideChild is linkedChild of a wide tree.
func wideChild(nodes []uint64, i uint32, group []uint64, row int) uint32 {
	threshold, n := nodes[i], nodes[i+2]
	return uint32(n>>32) + above(group[int(uint32(n))+row], threshold)
}

// above returns 1 if the key is above the threshold, else 0, without a branch.
func above(key, threshold uint64) uint32 {
	_, borrow := bits.Sub64(threshold, key, 0)
	return uint32(borrow)
}
