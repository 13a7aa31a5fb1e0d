package forest

import "unsafe"

// In assembly a step takes five instructions. In compiled Go it takes more than twice as
// many. Every amd64 processor has these instructions. Stride is the size of a group in
// bytes.

//go:noescape
func linkedGroups(leaves *uint32, block, nodes *uint64, groups, stride, depth int)

//go:noescape
func linkedOnward(leaves *uint32, block, nodes *uint64, groups, stride, depth int)

//go:noescape
func wideGroups(leaves *uint32, block, nodes *uint64, groups, stride, depth int)

// addDoubles adds the pairs of values of n leaves to n pairs of dst.
//
//go:noescape
func addDoubles(dst, values *float64, leaves *uint32, n int)

// linkedLeaves is linkedLeavesPortable.
func linkedLeaves(leaves []uint32, block, nodes []uint64, depth int) {
	if depth == 0 {
		clear(leaves)
		return
	}
	groups := len(leaves) / rows
	linkedGroups(&leaves[0], &block[0], &nodes[0], groups, 8*len(block)/groups, depth)
}

// onwardLeaves is onwardLeavesPortable.
func onwardLeaves(leaves []uint32, block, nodes []uint64, depth int) {
	if depth == 0 {
		return
	}
	groups := len(leaves) / rows
	linkedOnward(&leaves[0], &block[0], &nodes[0], groups, 8*len(block)/groups, depth)
}

// wideLeaves is wideLeavesPortable.
func wideLeaves(leaves []uint32, block, nodes []uint64, depth int) {
	if depth == 0 {
		clear(leaves)
		return
	}
	groups := len(leaves) / rows
	wideGroups(&leaves[0], &block[0], &nodes[0], groups, 8*len(block)/groups, depth)
}

// addPairs is addPairsPortable.
func addPairs[V Float](dst, values []V, leaves []uint32) {
	if single[V]() || len(leaves) == 0 {
		addPairsPortable(dst, values, leaves)
		return
	}
	addDoubles((*float64)(unsafe.Pointer(&dst[0])), (*float64)(unsafe.Pointer(&values[0])), &leaves[0], len(leaves))
}
