//go:build !amd64

package forest

func linkedLeaves(leaves []uint32, block, nodes []uint64, depth uint32) {
	linkedLeavesPortable(leaves, block, nodes, depth)
}

func onwardLeaves(leaves []uint32, block, nodes []uint64, depth uint32) {
	onwardLeavesPortable(leaves, block, nodes, depth)
}

func wideLeaves(leaves []uint32, block, nodes []uint64, depth uint32) {
	wideLeavesPortable(leaves, block, nodes, depth)
}

func addPairs[V Float](dst, values []V, leaves []uint32) { addPairsPortable(dst, values, leaves) }
