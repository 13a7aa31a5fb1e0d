package forest

import "slices"

const (
	subtreeBytes = 128 // the size of a subtree
	subtreeLeast = 3   // the fewest levels below its top for which a tree has subtrees
	subtreeNodes = 6   // a tree has subtrees if it has at least this many nodes for each

	leafLink  = 1 << 31      // the bit of a link that says that it leads to a leaf
	linkShift = 7            // the bits of a link below the number of a leaf or subtree
	laneBits  = maxLanes - 1 // the bits of a link that hold a lane
)

// subtree is four levels of a linked tree below its top, as a complete binary tree like a
// top. One row is compared with all fifteen nodes at once: its keys are in the lanes of a
// vector, and are permuted into the order of the nodes. Node i is at position i. Position
// 0 sends all rows left.
//
// The lowest five bits of links[i] are the lane of the feature of node i. The others are
// the link of exit i, counted from left to right. If its highest bit is set, it leads to a
// leaf, whose number begins at bit 7. Otherwise it leads to a subtree, whose number among
// those of the tree begins at bit 7. Without the lane it is the byte at which that begins.
type subtree struct {
	thresholds [1 << topDepth]uint32 // the upper halves of the keys
	links      [1 << topDepth]uint32
}

// makeSubtrees makes the subtrees of trees that have tops and are deep enough. The exits of
// their tops become links.
func (f *Values[X, V]) makeSubtrees() {
	if f.lanes.of == nil {
		return
	}
	end, made := len(f.linked), 0
	var all [][]subtree
	for i, t := range slices.Backward(f.trees) {
		if t.layout != linked {
			continue
		}
		b := subtreeBuilder{nodes: f.linked[t.first:end], lanes: f.lanes.of}
		end = t.first
		if t.depth < topDepth+subtreeLeast || !b.add(&f.tops[i]) {
			continue
		}
		f.trees[i].subtrees, f.trees[i].levels = made, (t.depth-1)/topDepth
		made += len(b.subtrees)
		all = append(all, b.subtrees)
	}
	if made > 0 {
		f.subtrees = make([]subtree, 0, made) // no larger, unlike that of slices.Concat
		for _, subtrees := range all {
			f.subtrees = append(f.subtrees, subtrees...)
		}
	}
}

// subtreeBuilder makes the subtrees of a tree.
type subtreeBuilder struct {
	nodes    []uint64
	lanes    []uint32
	roots    []uint32 // the nodes at which subtrees begin
	subtrees []subtree
}

// add makes the subtrees below a top, and links its exits to them. It returns false if they
// would be too many for the nodes, and leaves the top as it is.
func (b *subtreeBuilder) add(t *top) bool {
	exits := t.exits
	b.linkExits(exits[:], exits[:])
	for len(b.subtrees) < len(b.roots) {
		if len(b.roots) > len(b.nodes)/subtreeNodes {
			return false
		}
		complete := completeTree(b.nodes, b.roots[len(b.subtrees)])
		s := subtree{thresholds: [1 << topDepth]uint32{noKeyAbove}}
		b.linkExits(s.links[:], complete[1<<topDepth:])
		for i := 1; i < 1<<topDepth; i++ {
			n := b.nodes[complete[i]]
			s.thresholds[i] = uint32(n >> 32)
			s.links[i] |= b.lanes[columnOf(n)]
		}
		b.subtrees = append(b.subtrees, s)
	}
	t.exits = exits
	return true
}

// linkExits sets links to the links to nodes, and counts subtrees. Links and nodes may be
// the same memory.
func (b *subtreeBuilder) linkExits(links, nodes []uint32) {
	for i, node := range nodes {
		if leftChild(b.nodes[node]) == node {
			links[i] = leafLink | node<<linkShift
			continue
		}
		links[i] = uint32(len(b.roots)) << linkShift
		b.roots = append(b.roots, node)
	}
}

// subtreeLeavesPortable goes down from links to leaves, through so many levels of subtrees.
// Keys has the lanes of rows, one row after the other.
func subtreeLeavesPortable(leaves, keys []uint32, subtrees []subtree, lanes, levels int) {
	for row, link := range leaves {
		keys := keys[row*lanes:][:lanes]
		for range levels {
			if link&leafLink != 0 {
				break
			}
			s, i := &subtrees[link>>linkShift], 1
			for range topDepth {
				right := 0
				if keys[int(s.links[i]&laneBits)%lanes] > s.thresholds[i] {
					right = 1
				}
				i = 2*i + right
			}
			link = s.links[i-1<<topDepth]
		}
		leaves[row] = link &^ leafLink >> linkShift
	}
}

// subtreeWalk is what subtreeLeaves keeps of the rows of a block.
type subtreeWalk struct {
	begins [topStride]uint32 // the byte at which a row's subtree begins
	masks  [topStride]uint16 // bit i says that node i of it sends the row right
}
