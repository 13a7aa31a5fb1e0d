//go:build !amd64

package forest

// hasTops is false: without vector instructions a top is slower than going down the levels.
const hasTops = false

func topExits(nodes, columns []uint32, t *top) { exitsPortable(nodes, columns, t) }

func subtreeLeaves(leaves, keys []uint32, subtrees []subtree, lanes, levels int, _ *subtreeWalk) {
	subtreeLeavesPortable(leaves, keys, subtrees, lanes, levels)
}
