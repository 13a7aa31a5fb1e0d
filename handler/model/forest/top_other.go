//go:build !amd64

package forest

// hasTops is false: without vector instructions tops take longer than their walk.
const hasTops = false

func topExits(nodes, columns []uint32, t *top) { exitsPortable(nodes, columns, t) }
