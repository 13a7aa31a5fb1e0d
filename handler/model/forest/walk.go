package forest

import "fmt"

const (
	rows    = 8        // of a group, that walk down a tree together
	copies  = 2        // of a column in a group: see transpose
	groups  = 16       // of rows that follow each other through a tree while it is in the cache
	few     = 3        // rows that walk alone
	abreast = 4        // trees that a row walks down at once
	small   = 16 * 32  // keys that scratch space for a row has on the stack,
	large   = 16 * 128 // and that for many
)

// Add adds to each of the n rows of dst, Outputs numbers each, the values of
// the leaves that the row of x ends in, in the order of the first so many
// trees. Each sum is rounded to V as it grows. X is row-major, rows of Features
// numbers. It panics if dst and x are not of one number of rows.
func (f *Values[X, V]) Add(dst []V, x []X, trees int) { add(f, dst, x, trees) }

// add is Add of numbers that are rounded to X first.
func add[X, V, S Float](f *Values[X, V], dst []V, x []S, trees int) {
	n := len(dst) / f.outputs
	if n*f.outputs != len(dst) || len(x) != n*f.features {
		panic(fmt.Sprintf("forest: %d numbers are not rows of %d features for %d sums of %d", len(x), f.features, len(dst), f.outputs))
	}
	switch need := min(groups, (n+rows-1)/rows) * rows * copies * f.features; {
	case need <= small:
		var space [small]int64
		addBlocks(f, dst, x, trees, space[:])
	case need <= large:
		var space [large]int64
		addBlocks(f, dst, x, trees, space[:])
	default:
		addBlocks(f, dst, x, trees, make([]int64, need))
	}
}

// addBlocks is add, by as many rows at a time as block has groups for.
func addBlocks[X, V, S Float](f *Values[X, V], dst []V, x []S, trees int, block []int64) {
	for len(dst) > 0 {
		n := min(len(dst)/f.outputs, rows*groups)
		transpose[X](block, x[:n*f.features], f.features)
		f.add(dst[:n*f.outputs], block, n, trees)
		dst, x = dst[n*f.outputs:], x[n*f.features:]
	}
}

// transpose writes the keys of the rows of x to block, in groups of eight rows,
// each column by column. There are two copies of a column: in the first, NaN has
// the lowest key and goes left, in the second it has the highest. A node looks at
// the one that sends NaN where it has to go.
func transpose[X, S Float](block []int64, x []S, features int) {
	nanLow, nanHigh := nan[X]()
	for i := 0; len(x) > 0; i++ {
		group := block[i/rows*rows*copies*features:][:rows*copies*features]
		at := i % rows
		for _, v := range x[:features] {
			low, high := nanLow, nanHigh
			if v == v {
				low = key(X(v))
				high = low
			}
			group[at], group[at+rows] = low, high
			at += copies * rows
		}
		x = x[features:]
	}
}

func (f *Values[X, V]) add(dst []V, block []int64, n, trees int) {
	if n <= few {
		for l := range n {
			f.addOne(dst[l*f.outputs:][:f.outputs], block[l:], f.trees[:trees])
		}
		return
	}
	width := rows * copies * f.features
	var leaves [rows]int
	for i := range f.trees[:trees] {
		t := &f.trees[i]
		for i := 0; i < n; i += rows {
			m := min(rows, n-i)
			group := block[i*copies*f.features:][:width]
			switch {
			case t.layout == complete:
				completeEight(&leaves, f.splits[t.first:][:1<<t.depth], group)
			case t.layout == linked && m > few:
				linkedEight(&leaves, f.nodes[t.first:], t.depth, group)
			default:
				for l := range m {
					leaves[l] = f.leaf(t, group[l:])
				}
			}
			f.addLeaves(dst[i*f.outputs+t.output:], t.values, leaves[:m]...)
		}
	}
}

// addOne is add of the first row of a group.
func (f *Values[X, V]) addOne(dst []V, group []int64, trees []valueTree) {
	var leaves [abreast]int
	for len(trees) > 0 {
		n := 1
		if len(trees) >= abreast && allComplete(trees[:abreast]) {
			n = abreast
			completeTrees(&leaves, (*[abreast]valueTree)(trees), f.splits, group)
		} else {
			leaves[0] = f.leaf(&trees[0], group)
		}
		for i, leaf := range leaves[:n] {
			f.addLeaves(dst[trees[i].output:], trees[i].values, leaf)
		}
		trees = trees[n:]
	}
}

func allComplete(trees []valueTree) bool {
	for i := range trees {
		if trees[i].layout != complete {
			return false
		}
	}
	return true
}

// addLeaves adds the values of leaves to successive rows of dst; those of the
// first leaf of their tree begin at first.
func (f *Values[X, V]) addLeaves(dst []V, first int, leaves ...int) {
	if f.outputs == 1 {
		values, dst := f.values[first:], dst[:len(leaves)]
		for l, leaf := range leaves {
			dst[l] += values[leaf]
		}
		return
	}
	for l, leaf := range leaves {
		values := f.values[first+leaf*f.width:][:f.width]
		out := dst[l*f.outputs:][:len(values)]
		for k, v := range values {
			out[k] += v
		}
	}
}

// leaf returns the leaf of t in which the first row of a group ends.
func (f *Values[X, V]) leaf(t *valueTree, group []int64) int {
	switch t.layout {
	case complete:
		i := 1
		splits := f.splits[t.first:][:1<<t.depth]
		for i < len(splits) {
			i = splits[i].child(i, group, 0)
		}
		return i - len(splits)
	case linked:
		return linkedOne(f.nodes[t.first:], t.depth, group)
	default:
		return f.specialOne(t, group)
	}
}

// completeTrees is leaf of complete trees: together as far down as the lowest goes,
// the others then alone.
func completeTrees(leaves *[abreast]int, trees *[abreast]valueTree, splits []split, group []int64) {
	t, u, v, w := trees[0].first, trees[1].first, trees[2].first, trees[3].first
	together := min(trees[0].depth, trees[1].depth, trees[2].depth, trees[3].depth)
	a, b, c, d := 1, 1, 1, 1
	for range together {
		a = splits[t+a].child(a, group, 0)
		b = splits[u+b].child(b, group, 0)
		c = splits[v+c].child(c, group, 0)
		d = splits[w+d].child(d, group, 0)
	}
	*leaves = [abreast]int{a, b, c, d}
	for l := range leaves {
		i := leaves[l]
		for range trees[l].depth - together {
			i = splits[trees[l].first+i].child(i, group, 0)
		}
		leaves[l] = i - 1<<trees[l].depth
	}
}

// completeEight is leaf of a complete tree for eight rows. They are independent, so
// that the processor has the loads of all in flight.
func completeEight(leaves *[rows]int, splits []split, group []int64) {
	a, b, c, d, e, f, g, h := 1, 1, 1, 1, 1, 1, 1, 1
	for a < len(splits) {
		a = splits[a].child(a, group, 0)
		b = splits[b].child(b, group, 1)
		c = splits[c].child(c, group, 2)
		d = splits[d].child(d, group, 3)
		e = splits[e].child(e, group, 4)
		f = splits[f].child(f, group, 5)
		g = splits[g].child(g, group, 6)
		h = splits[h].child(h, group, 7)
	}
	n := len(splits)
	*leaves = [rows]int{a - n, b - n, c - n, d - n, e - n, f - n, g - n, h - n}
}

// child returns the child of s, node i, that row lane goes to, without a branch:
// the difference is negative where the row's key is above the threshold's.
func (s split) child(i int, group []int64, lane int) int {
	difference := int64(s) - group[int(uint16(s))+lane]
	return 2*i + int(uint64(difference)>>63)
}

// linkedOne is leaf of a linked tree. It stops there: in a deep tree most leaves
// are well above the deepest.
func linkedOne(nodes []node, depth uint32, group []int64) int {
	var i uint32
	for range depth {
		next := nodes[i].child(group, 0)
		if next == i {
			break
		}
		i = next
	}
	return int(i)
}

// linkedEight is what completeEight is.
func linkedEight(leaves *[rows]int, nodes []node, depth uint32, group []int64) {
	var a, b, c, d, e, f, g, h uint32
	for range depth {
		a = nodes[a].child(group, 0)
		b = nodes[b].child(group, 1)
		c = nodes[c].child(group, 2)
		d = nodes[d].child(group, 3)
		e = nodes[e].child(group, 4)
		f = nodes[f].child(group, 5)
		g = nodes[g].child(group, 6)
		h = nodes[h].child(group, 7)
	}
	*leaves = [rows]int{int(a), int(b), int(c), int(d), int(e), int(f), int(g), int(h)}
}

// child returns the child of n that row lane goes to, without a branch.
func (n *node) child(group []int64, lane uint32) uint32 {
	var right uint32
	if group[n.column+lane] > n.threshold {
		right = 1
	}
	return n.left + right
}

// specialOne is linkedOne of a special tree.
func (f *Values[X, V]) specialOne(t *valueTree, group []int64) int {
	nodes, rules := f.nodes[t.first:], f.rules[t.rules:]
	zero := key(X(zeroThreshold))
	missing, _ := nan[X]()
	var i uint32
	for range t.depth {
		n, r := &nodes[i], rules[i]
		k := group[n.column]
		var right bool
		switch {
		case k == missing || r&zeroMissing != 0 && -zero <= k && k <= zero:
			right = r&nanRight != 0
		case r&categories != 0:
			right = !f.sets[n.threshold].goesLeft(number[X](k))
		default:
			right = k > n.threshold
		}
		i = n.left
		if right {
			i++
		}
	}
	return int(i)
}
