package sklearn

import (
	"math"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// searchTree is scikit-learn's KDTree or BallTree, or a single leaf with all rows. It is
// searched in the same order as in scikit-learn, because that order decides which of
// several equally distant rows are neighbours.
//
// The children of node i are 2i+1 and 2i+2.
type searchTree struct {
	nodes []node
	// bounds of a KDTree are the lower bounds of all nodes, then the upper bounds: a
	// number for each column. Bounds of a BallTree are the centres of the nodes.
	bounds []float64
	ball   bool // a BallTree
}

type node struct {
	leaf   bool
	rows   [2]int32 // a leaf's first row, and the one after its last
	radius float64  // of a BallTree
}

// hasTree reports whether there is a search tree.
func (a *attrs) hasTree() bool { return a.has("_tree") }

// searchTree reads the attribute _tree. Order is the order of the rows in the tree, or
// nil if it is that of the fit.
func (a *attrs) searchTree(rows, width int) (t searchTree, order []int) {
	o, ok := a.value("_tree").(*pickle.Object)
	if !ok { // algorithm='brute'
		t.nodes = []node{{leaf: true, rows: [2]int32{0, int32(rows)}}}
		return t, nil
	}
	state, _ := o.State.(*pickle.Tuple)
	var class pickle.Global
	if len(o.Args) == 1 {
		class, _ = o.Args[0].(pickle.Global)
	}
	t.ball = strings.HasSuffix(class.Module, "ball_tree") // in 0.19 both classes are called BinaryTree
	if state == nil || len(state.Items) < 4 || !t.ball && !strings.HasSuffix(class.Module, "kd_tree") {
		a.fail("_tree is neither a KDTree nor a BallTree")
		return t, nil
	}
	order = a.order(state.Items[1], rows)
	t.nodes = a.nodes(state.Items[2], rows)
	bounds, err := numpy.Parse(state.Items[3])
	if err == nil {
		t.bounds, err = bounds.Floats(a.budget)
	}
	sides := 2
	if t.ball {
		sides = 1
	}
	if err != nil || !bounds.Equal(sides, len(t.nodes), width) {
		a.fail("_tree has no bounds for %d nodes of %d columns", len(t.nodes), width)
	}
	a.checkFinite("_tree", t.bounds)
	return t, order
}

// order reads a permutation of the rows.
func (a *attrs) order(v any, rows int) []int {
	var numbers []int64
	array, err := numpy.Parse(v)
	if err == nil {
		numbers, err = array.Ints(a.budget)
	}
	if err != nil || len(numbers) != rows || a.budget.Take(9*rows) != nil {
		a.fail("_tree has no order of %d rows", rows)
		return nil
	}
	seen, order := make([]bool, rows), make([]int, rows)
	for i, n := range numbers {
		if n < 0 || int(n) >= rows || seen[n] {
			a.fail("the order of _tree is no permutation")
			return nil
		}
		seen[n], order[i] = true, int(n)
	}
	return order
}

// nodes reads the nodes of a search tree. Its leaves must hold all rows.
func (a *attrs) nodes(v any, rows int) []node {
	array, err := numpy.Parse(v)
	var fields [4]numpy.FieldReader
	for i, name := range []string{"idx_start", "idx_end", "is_leaf", "radius"} {
		if err == nil {
			fields[i], err = array.Field(name)
		}
	}
	count := array.Len()
	if err != nil || a.budget.Take(32*count) != nil {
		a.fail("_tree has no nodes")
		return nil
	}
	nodes, held := make([]node, count), 0
	for i := range nodes {
		from, to := fields[0].Float(i), fields[1].Float(i)
		n := node{fields[2].Float(i) != 0, [2]int32{int32(from), int32(to)}, fields[3].Float(i)}
		if !(0 <= from && from <= to && to <= float64(rows)) || !n.leaf && 2*i+2 >= count || n.radius-n.radius != 0 {
			a.fail("node %d of _tree is not of %d rows and %d nodes", i, rows, count)
			return nil
		}
		if nodes[i] = n; n.leaf {
			held += int(n.rows[1] - n.rows[0])
		}
	}
	if held < rows {
		a.fail("the leaves of _tree hold %d of %d rows", held, rows)
	}
	return nodes
}

// neighborhood finds the k fitted rows that are nearest to a row.
type neighborhood struct {
	fitted   []float64 // row-major, in the order of the search tree
	width    int
	tree     searchTree
	k        int
	distance metric
}

// neighborhood reads the fitted rows and their search tree. Order is as in searchTree.
// K is the name of the attribute with the number of neighbours, or "" for an estimator
// that uses a radius.
func (a *attrs) neighborhood(k string, count *dim) (h neighborhood, order []int) {
	if k != "" {
		h.k = a.count(k)
	}
	h.fitted = a.matrix("_fit_X", count, &a.in)
	h.distance = a.metricOf(a.value("effective_metric_"), a.value("effective_metric_params_"), a.hasTree())
	h.width = a.in.n
	if a.err == nil && h.k > count.n {
		a.fail("%d neighbours among %d rows", h.k, count.n)
	}
	if a.err != nil {
		return h, nil
	}
	h.tree, order = a.searchTree(count.n, h.width)
	if byBoxes := []string{"euclidean", "manhattan", "chebyshev", "minkowski"}; order != nil && !h.tree.ball && !slices.Contains(byBoxes, h.distance.name) {
		a.fail("a KDTree of the metric %s", h.distance.name)
		return h, nil
	}
	if order != nil {
		h.fitted = reordered(h.fitted, order, h.width)
	}
	if h.distance.prepared != nil {
		for i := range count.n {
			row := h.fitted[i*h.width : (i+1)*h.width]
			copy(row, h.distance.prepared(row))
		}
	}
	a.note("rows", count.n)
	if k != "" {
		a.note("neighbors", h.k)
	}
	return h, order
}

// reordered returns the rows of v, of width numbers each, in another order.
func reordered(v []float64, order []int, width int) []float64 {
	to := make([]float64, 0, len(v))
	for _, row := range order {
		to = append(to, v[row*width:(row+1)*width]...)
	}
	return to
}

func (s *neighborhood) size() int {
	return 8*(len(s.fitted)+len(s.tree.bounds)) + 24*len(s.tree.nodes)
}

// nearest sets near to the k fitted rows nearest to x, in the order of a heap.
func (s *neighborhood) nearest(near *neighbours, x []float64) {
	near.reset()
	if s.distance.prepared != nil {
		x = s.distance.prepared(x)
	}
	s.search(near, x, 0, 0)
	for i, d := range near.distance {
		near.distance[i] = s.distance.finish(d, s.distance.p)
	}
}

// neighbours are the nearest rows found so far, a heap with the farthest on top. Row has
// the positions of the rows. They are floats because the arena has only floats.
type neighbours struct{ distance, row []float64 }

func (b *neighbours) reset() {
	for i := range b.distance {
		b.distance[i], b.row[i] = math.Inf(1), 0
	}
}

// push replaces the farthest row, and restores the order of the heap.
func (b *neighbours) push(distance float64, row int) {
	i, size := 0, len(b.distance)
	for {
		child := 2*i + 1
		if child >= size {
			break
		}
		if child+1 < size && b.distance[child] < b.distance[child+1] {
			child++
		}
		if !(distance < b.distance[child]) {
			break
		}
		b.distance[i], b.row[i] = b.distance[child], b.row[child]
		i = child
	}
	b.distance[i], b.row[i] = distance, float64(row)
}

// sort orders the neighbours by distance, and those at the same distance by position.
func (b *neighbours) sort() {
	for i := 1; i < len(b.distance); i++ {
		d, row := b.distance[i], b.row[i]
		j := i
		for ; j > 0 && (d < b.distance[j-1] || d == b.distance[j-1] && row < b.row[j-1]); j-- {
			b.distance[j], b.row[j] = b.distance[j-1], b.row[j-1]
		}
		b.distance[j], b.row[j] = d, row
	}
}

// search adds the rows below a node that are nearer than the farthest neighbour so far.
// Least is a lower bound of their reduced distances.
func (s *neighborhood) search(near *neighbours, x []float64, at int, least float64) {
	if least > near.distance[0] {
		return
	}
	n := &s.tree.nodes[at]
	if !n.leaf {
		first, second := 2*at+1, 2*at+2
		least, more := s.least(first, x), s.least(second, x)
		if !(least <= more) {
			first, second, least, more = second, first, more, least
		}
		s.search(near, x, first, least)
		s.search(near, x, second, more)
		return
	}
	for row := int(n.rows[0]); row < int(n.rows[1]); row++ {
		d := s.distance.reduced(x, s.fitted[row*s.width:(row+1)*s.width], s.distance.p)
		if d < near.distance[0] {
			near.push(d, row)
		}
	}
}

// least returns a lower bound of the reduced distances between x and the rows below a
// node.
func (s *neighborhood) least(at int, x []float64) float64 {
	lower := s.tree.bounds[at*s.width : (at+1)*s.width]
	if s.tree.ball {
		d := s.distance.finish(s.distance.reduced(x, lower, s.distance.p), s.distance.p)
		return s.distance.reduce(max(0, d-s.tree.nodes[at].radius), s.distance.p)
	}
	upper := s.tree.bounds[(len(s.tree.nodes)+at)*s.width:][:s.width]
	least := 0.0
	for j, v := range x {
		d := max(lower[j]-v, 0) + max(v-upper[j], 0)
		if math.IsInf(s.distance.p, 1) {
			least = max(least, d)
		} else {
			least += s.distance.reduce(d, s.distance.p)
		}
	}
	return least
}
