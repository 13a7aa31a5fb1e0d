//go:build !amd64

package forest

func linkedLeaves(leaves []uint32, block, nodes []uint64, depth int) {
	linkedLeavesPortable(leaves, block, nodes, depth)
}

func onwardLeaves(leaves []uint32, block, nodes []uint64, depth int) {
	onwardLeavesPortable(leaves, block, nodes, depth)
}

func wideLeaves(leaves []uint32, block, nodes []uint64, depth int) {
	wideLeavesPortable(leaves, block, nodes, depth)
}

func addPairs[V Float](dst, values []V, leaves []uint32) { addPairsPortable(dst, values, leaves) }
