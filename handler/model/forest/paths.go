package forest

import "fmt"

const (
	rows   = 8       // that walk down a tree together
	groups = 16      // of rows that follow each other through a tree while it is in the cache
	few    = 3       // rows that walk alone
	stack  = 8 * 128 // numbers that scratch space on the stack holds
)

// PathLengths sets dst[i] to the sum, over the trees in order, of the lengths
// of the paths that row i of x takes. X is row-major, len(dst) rows of Features
// numbers; they are rounded to float32 first, as scikit-learn does. NaN goes
// where each node says. It panics if len(x) is not len(dst) times Features.
func (f *Forest) PathLengths(dst, x []float64) {
	if len(x) != len(dst)*f.features {
		panic(fmt.Sprintf("forest: %d numbers are not %d rows of %d features", len(x), len(dst), f.features))
	}
	var space [stack]float32
	block := space[:]
	if need := min(groups, (len(dst)+rows-1)/rows) * rows * f.features; need > stack {
		block = make([]float32, need)
	}
	for len(dst) > 0 {
		n := min(len(dst), rows*groups)
		nan := f.transpose(block, x[:n*f.features])
		f.walk(dst[:n], block, nan)
		dst, x = dst[n:], x[n*f.features:]
	}
}

// transpose writes the rows of x to block, in groups of eight rows, each
// column by column. It returns which groups have a NaN.
func (f *Forest) transpose(block []float32, x []float64) (nan [groups]bool) {
	for i := 0; len(x) > 0; i++ {
		group := block[i/rows*rows*f.features:]
		for c, v := range x[:f.features] {
			group[c*rows+i%rows] = float32(v)
			if v != v {
				nan[i/rows] = true
			}
		}
		x = x[f.features:]
	}
	return nan
}

// walk is PathLengths of the transposed rows in block, some groups of which may
// have NaN.
func (f *Forest) walk(dst []float64, block []float32, nan [groups]bool) {
	clear(dst)
	width := rows * f.features
	for _, r := range f.roots {
		for i := 0; i < len(dst); i += rows {
			group := block[i*f.features : i*f.features+width]
			if nan[i/rows] {
				f.walkNaN(dst[i:min(i+rows, len(dst))], r, group)
				continue
			}
			if n := len(dst) - i; n <= few {
				f.walkAlone(dst[i:], r, group)
				continue
			}
			leaves := descend(f.nodes, r, group)
			for l := range min(rows, len(dst)-i) {
				dst[i+l] += f.lengths[leaves[l]]
			}
		}
	}
}

// walkAlone adds the lengths of the paths through one tree to dst, row after
// row.
func (f *Forest) walkAlone(dst []float64, r root, group []float32) {
	for l := range dst {
		leaf := r.first
		for range r.depth {
			leaf = step(f.nodes, leaf, group, uint32(l))
		}
		dst[l] += f.lengths[leaf]
	}
}

// walkNaN is walkAlone of rows with NaN, which go by what the nodes say of it.
// A NaN is above no threshold, so that step sends it left.
func (f *Forest) walkNaN(dst []float64, r root, group []float32) {
	for l := range dst {
		at := r.first
		for range r.depth {
			next := step(f.nodes, at, group, uint32(l))
			if v := group[f.nodes[at].column+uint32(l)]; v != v && f.nanRight[at/64]>>(at%64)&1 == 1 {
				next++
			}
			at = next
		}
		dst[l] += f.lengths[at]
	}
}

// descend returns the leaves of a tree in which the eight rows of x end. The
// rows are independent, so the processor has eight loads in flight.
func descend(nodes []node, r root, x []float32) [rows]uint32 {
	a, b, c, d := r.first, r.first, r.first, r.first
	e, f, g, h := r.first, r.first, r.first, r.first
	for range r.depth {
		a = step(nodes, a, x, 0)
		b = step(nodes, b, x, 1)
		c = step(nodes, c, x, 2)
		d = step(nodes, d, x, 3)
		e = step(nodes, e, x, 4)
		f = step(nodes, f, x, 5)
		g = step(nodes, g, x, 6)
		h = step(nodes, h, x, 7)
	}
	return [rows]uint32{a, b, c, d, e, f, g, h}
}

// step returns the child of node i that row lane goes to, without a branch.
func step(nodes []node, i uint32, x []float32, lane uint32) uint32 {
	n := &nodes[i]
	var right uint32
	if x[n.column+lane] > n.threshold {
		right = 1
	}
	return n.left + right
}
