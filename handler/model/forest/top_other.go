//go:build !amd64

package forest

// hasTops is false: without vector instructions a top is slower than going down the levels.
const hasTops = false

func topExits(nodes, columns []uint32, t *top) { exitsPortable(nodes, columns, t) }
