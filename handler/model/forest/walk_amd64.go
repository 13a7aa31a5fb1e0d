package forest

// The walks in assembly take five instructions for a step; the compiler's take more than
// twice as many. They need nothing that not every amd64 has. Stride is the bytes of a group.

//go:noescape
func linkedGroups(leaves *uint32, block, nodes *uint64, groups, stride, depth int)

//go:noescape
func wideGroups(leaves *uint32, block, nodes *uint64, groups, stride, depth int)

// linkedLeaves is linkedLeavesPortable.
func linkedLeaves(leaves []uint32, block, nodes []uint64, depth uint32) {
	groups := len(leaves) / rows
	linkedGroups(&leaves[0], &block[0], &nodes[0], groups, 8*len(block)/groups, int(depth))
}

// wideLeaves is wideLeavesPortable.
func wideLeaves(leaves []uint32, block, nodes []uint64, depth uint32) {
	groups := len(leaves) / rows
	wideGroups(&leaves[0], &block[0], &nodes[0], groups, 8*len(block)/groups, int(depth))
}
