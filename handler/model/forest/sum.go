package forest

import "fmt"

// Add adds to each of the n rows of dst, Outputs numbers each, the values of
// the leaves that the row of x ends in, in the order of the first so many
// trees. Each sum is rounded to V as it grows. X is row-major, rows of Features
// numbers. It panics if dst and x are not of one number of rows.
func (f *Values[X, V]) Add(dst []V, x []X, trees int) {
	n := len(dst) / f.outputs
	if n*f.outputs != len(dst) || len(x) != n*f.features {
		panic(fmt.Sprintf("forest: %d numbers are not the rows of %d outputs", len(x), len(dst)))
	}
	var space [stack]X
	block := space[:]
	if need := min(groups, (n+rows-1)/rows) * rows * f.features; need > stack {
		block = make([]X, need)
	}
	for n > 0 {
		m := min(n, rows*groups)
		nan := f.transpose(block, x[:m*f.features])
		f.add(dst[:m*f.outputs], block, m, &nan, trees)
		n, dst, x = n-m, dst[m*f.outputs:], x[m*f.features:]
	}
}

// transpose is what Forest.transpose is.
func (f *Values[X, V]) transpose(block, x []X) (nan [groups]bool) {
	for i := 0; len(x) > 0; i++ {
		group := block[i/rows*rows*f.features:]
		for c, v := range x[:f.features] {
			group[c*rows+i%rows] = v
			if v != v {
				nan[i/rows] = true
			}
		}
		x = x[f.features:]
	}
	return nan
}

func (f *Values[X, V]) add(dst []V, block []X, n int, nan *[groups]bool, trees int) {
	width := rows * f.features
	for _, t := range f.trees[:trees] {
		for i := 0; i < n; i += rows {
			group := block[i*f.features : i*f.features+width]
			m := min(rows, n-i)
			var leaves [rows]uint32
			switch {
			case !f.plain || nan[i/rows]:
				for l := range m {
					leaves[l] = f.leaf(t, group, uint32(l))
				}
			case m <= few:
				for l := range m {
					leaves[l] = alone(f.nodes, t, group, uint32(l))
				}
			default:
				leaves = together(f.nodes, t, group)
			}
			at := i*f.outputs + int(t.output)
			for l := range m {
				values := f.values[int(leaves[l])*f.width : (int(leaves[l])+1)*f.width]
				out := dst[at : at+len(values)]
				for k, v := range values {
					out[k] += v
				}
				at += f.outputs
			}
		}
	}
}

// alone returns the leaf that one row ends in. It stops there: in a deep tree
// most leaves are well above the deepest.
func alone[X Float](nodes []valueNode[X], t valueTree, x []X, lane uint32) uint32 {
	i := t.first
	for range t.depth {
		next := stepValue(nodes, i, x, lane)
		if next == i {
			break
		}
		i = next
	}
	return i
}

// leaf is alone for a row with NaN, or where nodes have categories or take zero
// for missing.
func (f *Values[X, V]) leaf(t valueTree, x []X, lane uint32) uint32 {
	i := t.first
	for range t.depth {
		n, flags := &f.nodes[i], f.flags[i]
		v := x[n.column+lane]
		var right bool
		switch {
		case v != v || flags&zeroMissing != 0 && v >= -zeroThreshold && v <= zeroThreshold:
			right = flags&nanRight != 0
		case flags&categories != 0:
			right = !f.sets[int(n.threshold)].goesLeft(float64(v))
		default:
			right = v > n.threshold
		}
		i = n.left
		if right {
			i++
		}
	}
	return i
}

// together is what descend is.
func together[X Float](nodes []valueNode[X], t valueTree, x []X) [rows]uint32 {
	a, b, c, d := t.first, t.first, t.first, t.first
	e, f, g, h := t.first, t.first, t.first, t.first
	for range t.depth {
		a = stepValue(nodes, a, x, 0)
		b = stepValue(nodes, b, x, 1)
		c = stepValue(nodes, c, x, 2)
		d = stepValue(nodes, d, x, 3)
		e = stepValue(nodes, e, x, 4)
		f = stepValue(nodes, f, x, 5)
		g = stepValue(nodes, g, x, 6)
		h = stepValue(nodes, h, x, 7)
	}
	return [rows]uint32{a, b, c, d, e, f, g, h}
}

// stepValue is what step is.
func stepValue[X Float](nodes []valueNode[X], i uint32, x []X, lane uint32) uint32 {
	n := &nodes[i]
	var right uint32
	if x[n.column+lane] > n.threshold {
		right = 1
	}
	return n.left + right
}
