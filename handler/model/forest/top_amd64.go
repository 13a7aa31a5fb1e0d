package forest

import "golang.org/x/sys/cpu"

// hasTops says whether the processor has AVX-512. It compares sixteen rows with the fifteen
// nodes of a top in a quarter of the time of going down these levels.
var hasTops = cpu.X86.HasAVX512F

//go:noescape
func exits(nodes, columns *uint32, t *top, n int)

// topExits is exitsPortable.
func topExits(nodes, columns []uint32, t *top) { exits(&nodes[0], &columns[0], t, len(nodes)) }

//go:noescape
func subtrees16(leaves, begins *uint32, masks *uint16, keys *uint32, subtrees *subtree, n, lanes, levels int)

// subtreeLeaves is subtreeLeavesPortable for whole vectors of topRows rows.
func subtreeLeaves(leaves, keys []uint32, subtrees []subtree, lanes, levels int, w *subtreeWalk) {
	subtrees16(&leaves[0], &w.begins[0], &w.masks[0], &keys[0], &subtrees[0], len(leaves), lanes, levels)
}
