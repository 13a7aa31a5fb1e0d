package forest

import "fmt"

const (
	few        = 3         // up to this many rows go down the trees one by one
	abreast    = 4         // trees that such a row goes down at the same time
	least      = 24        // groups of a block: they all go down one tree while it is in the cache
	tile       = 96 * rows // most rows of a block
	block      = 1 << 16   // most keys of a block that has several groups
	vectorRows = 256       // most rows of a block that needs no groups
	small      = 512       // most keys of a block that is on the stack
)

// Add adds the values of the leaves that each row of x reaches to the same row of dst.
// It uses the first trees of the forest, in order, and rounds to V after each addition.
// X has rows of [Values.Features] numbers, dst rows of [Values.Outputs] numbers, both
// row-major. It panics if dst and x have different numbers of rows.
func (f *Values[X, V]) Add(dst []V, x []X, trees int) { add(f, dst, x, trees) }

// AddRounded is Add for rows that are rounded to X.
func (f *Values[X, V]) AddRounded(dst []V, x []float64, trees int) { add(f, dst, x, trees) }

// add is Add, but rounds x to X first.
func add[X, V, S Float](f *Values[X, V], dst []V, x []S, trees int) {
	n := len(dst) / f.outputs
	if n*f.outputs != len(dst) || len(x) != n*f.features {
		panic(fmt.Sprintf("forest: %d numbers are not rows of %d features for %d sums of %d", len(x), f.features, len(dst), f.outputs))
	}
	stride := max(1, len(f.slots)) * rows
	groups, most := 1, vectorRows
	switch {
	case f.grouped:
		groups = max(1, min((n+rows-1)/rows, f.groups(stride), block/stride))
		most = groups * rows
	case f.subtrees != nil && f.lanes.nan == 0:
		groups = (vectorRows + rows - 1) / rows
	}
	if need := groups * stride; need <= small && (n <= few || f.tops == nil) {
		var space [small]uint64
		addBlocks(f, dst, x, trees, most, &scratch{block: space[:need]})
	} else {
		s, _ := f.scratch.Get().(*scratch)
		if s == nil || cap(s.block) < need {
			s = f.newScratch(need)
		}
		addBlocks(f, dst, x, trees, most, s)
		f.scratch.Put(s)
	}
}

// groups returns the most groups of a block, each of stride keys. The keys take about as
// much memory as a tree: those of small trees stay in the first-level cache, and a large
// tree comes from the second for many rows.
func (f *Values[X, V]) groups(stride int) int {
	tree := (len(f.linked) + len(f.wide) + len(f.values)) / max(1, len(f.trees))
	return min(max(least, tree/stride), tile/rows)
}

// addBlocks is add with given memory. It adds up to so many rows at a time.
func addBlocks[X, V, S Float](f *Values[X, V], dst []V, x []S, trees, most int, s *scratch) {
	for len(dst) > 0 {
		n := min(len(dst)/f.outputs, most)
		lay(f, s, x[:n*f.features])
		f.add(dst[:n*f.outputs], s, n, trees)
		dst, x = dst[n*f.outputs:], x[n*f.features:]
	}
}

// add is Add for the n rows that are laid out in s.
func (f *Values[X, V]) add(dst []V, s *scratch, n, trees int) {
	block := s.block
	if n <= few {
		for l := range n {
			f.addOne(dst[l*f.outputs:][:f.outputs], block[l:], f.trees[:trees])
		}
		return
	}
	var space [topStride]uint32
	groups, vectors := space[:(n+rows-1)/rows*rows], space[:(n+topRows-1)/topRows*topRows]
	for i := range f.trees[:trees] {
		t := &f.trees[i]
		switch top := s.columns != nil && t.layout == linked; {
		case top && t.levels > 0 && s.lanes > 0:
			topExits(vectors, s.columns, &f.tops[i])
			subtreeLeaves(vectors, s.rows, f.subtrees[t.subtrees:], s.lanes, t.levels, s.walk)
		case top && t.levels == 0:
			topExits(vectors, s.columns, &f.tops[i])
			onwardLeaves(groups, block, f.linked[t.first:], max(t.depth, topDepth)-topDepth)
		default:
			f.leaves(groups, t, block, n)
		}
		f.addLeaves(dst[t.output:], f.values[t.values:], space[:n])
	}
}

// leaves sets leaves[i] to the leaf that row i of a block of n rows reaches.
func (f *Values[X, V]) leaves(leaves []uint32, t *valueTree, block []uint64, n int) {
	switch t.layout {
	case linked:
		linkedLeaves(leaves, block, f.linked[t.first:], t.depth)
		return
	case wide:
		wideLeaves(leaves, block, f.wide[t.first:], t.depth)
	case special:
		stride := len(block) * rows / len(leaves)
		for i := range leaves[:n] {
			leaves[i] = f.specialLeaf(t, block[i/rows*stride+i%rows:])
		}
	}
	for i, position := range leaves {
		leaves[i] = wideValue(position)
	}
}

// addLeaves adds the values of leaves to successive rows of dst.
func (f *Values[X, V]) addLeaves(dst, values []V, leaves []uint32) {
	switch {
	case f.outputs == 1:
		dst := dst[:len(leaves)]
		for l, leaf := range leaves {
			dst[l] += values[leaf]
		}
	case f.outputs == 2 && f.width == 2:
		addPairs(dst[:2*len(leaves)], values, leaves)
	default:
		for l, leaf := range leaves {
			values := values[int(leaf)*f.width:][:f.width]
			out := dst[l*f.outputs:][:len(values)]
			for k, v := range values {
				out[k] += v
			}
		}
	}
}

// addPairsPortable is addLeaves for two values a leaf and two outputs.
func addPairsPortable[V Float](dst, values []V, leaves []uint32) {
	for l, leaf := range leaves {
		v, d := values[2*int(leaf):][:2], dst[2*l:][:2]
		d[0] += v[0]
		d[1] += v[1]
	}
}

// addOne is add for the first row of a group.
func (f *Values[X, V]) addOne(dst []V, group []uint64, trees []valueTree) {
	var leaves [abreast]uint32
	for len(trees) > 0 {
		n := 1
		if len(trees) >= abreast && allLinked(trees[:abreast]) {
			n = abreast
			linkedTrees(&leaves, (*[abreast]valueTree)(trees), f.linked, group)
		} else {
			leaves[0] = f.leaf(&trees[0], group)
		}
		for i := range leaves[:n] {
			f.addLeaves(dst[trees[i].output:], f.values[trees[i].values:], leaves[i:i+1])
		}
		trees = trees[n:]
	}
}

func allLinked(trees []valueTree) bool {
	for i := range trees {
		if trees[i].layout != linked {
			return false
		}
	}
	return true
}

// linkedTrees is leaf for several linked trees at the same time.
func linkedTrees(leaves *[abreast]uint32, trees *[abreast]valueTree, nodes []uint64, group []uint64) {
	s, t, u, v := nodes[trees[0].first:], nodes[trees[1].first:], nodes[trees[2].first:], nodes[trees[3].first:]
	var a, b, c, d uint32
	for range max(trees[0].depth, trees[1].depth, trees[2].depth, trees[3].depth) {
		a = linkedChild(s, a, group, 0)
		b = linkedChild(t, b, group, 0)
		c = linkedChild(u, c, group, 0)
		d = linkedChild(v, d, group, 0)
	}
	*leaves = [abreast]uint32{a, b, c, d}
}

// leaf returns the leaf of t that the first row of a group reaches. It stops at the leaf,
// since most leaves of a deep tree are well above the deepest.
func (f *Values[X, V]) leaf(t *valueTree, group []uint64) (i uint32) {
	if t.layout == special {
		return wideValue(f.specialLeaf(t, group))
	}
	for range t.depth {
		var next uint32
		if t.layout == linked {
			next = linkedChild(f.linked[t.first:], i, group, 0)
		} else {
			next = wideChild(f.wide[t.first:], i, group, 0)
		}
		if next == i {
			break
		}
		i = next
	}
	if t.layout == wide {
		return wideValue(i)
	}
	return i
}

// specialLeaf returns the position of the leaf of a special tree that the first row of a
// group reaches.
func (f *Values[X, V]) specialLeaf(t *valueTree, group []uint64) (i uint32) {
	nodes, rules := f.wide[t.first:], f.rules[t.rules:]
	zeroLow, zeroHigh := key(X(-zeroThreshold)), key(X(zeroThreshold))
	for range t.depth {
		threshold, n, r := nodes[i], nodes[i+2], rules[wideValue(i)]
		k := group[uint32(n)]
		var right uint32
		switch {
		case k == nanLow || r&zeroMissing != 0 && zeroLow <= k && k <= zeroHigh:
			if r&nanRight != 0 {
				right = 1
			}
		case r&categories != 0:
			if !f.sets[threshold].goesLeft(number[X](k)) {
				right = 1
			}
		default:
			right = above(k, threshold)
		}
		i = uint32(n>>32) + right
	}
	return i
}
