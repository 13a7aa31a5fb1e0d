package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// bisecting is BisectingKMeans. To predict it goes down a tree, at each node to the
// nearer of two centres. As a detector its score is the distance to the nearest centre
// of all.
type bisecting struct {
	*kMeans
	nodes []bisection
}

type bisection struct {
	left, right int // positions in nodes; 0 in a leaf
	label       float64
	centre      []float64
}

func loadBisectingKMeans(a *attrs) *element {
	e := a.centres("cluster_centers_", nil)
	if a.err != nil {
		return nil
	}
	m := &bisecting{kMeans: e.predictor.(*kMeans)}
	mean := make([]float64, a.in.n)
	if a.has("_X_mean") {
		mean = a.vector("_X_mean", &a.in)
	}
	m.bisections(a, a.value("_bisecting_tree"), mean)
	for _, n := range m.nodes {
		if n.left == 0 && !(n.label >= 0 && n.label < float64(len(m.squares)) && n.label == math.Trunc(n.label)) {
			a.fail("_bisecting_tree has the label %v of %d clusters", n.label, len(m.squares))
		}
	}
	e.predictor, e.size = m, e.size+8*len(m.nodes)*(a.in.n+8)
	return e
}

// bisections reads a _BisectingTree, parents before children. A file may contain a
// cycle, so reading stops when there are more nodes than a tree of that many clusters
// has.
func (m *bisecting) bisections(a *attrs, root any, mean []float64) {
	most := 2*len(m.squares) - 1
	m.nodes = append(m.nodes, bisection{})
	objects := []any{root}
	for at := 0; at < len(objects); at++ {
		o, ok := objects[at].(*pickle.Object)
		if !ok || len(objects) > most {
			a.fail("_bisecting_tree is no tree of %d leaves", len(m.squares))
			return
		}
		n := &m.nodes[at]
		if centre, ok := o.Attr("center"); ok && at > 0 {
			n.centre = a.vectorOf("a center in _bisecting_tree", centre, &a.in)
			for j := range n.centre {
				n.centre[j] += mean[j]
			}
		}
		left, _ := o.Attr("left")
		right, _ := o.Attr("right")
		if label, ok := o.Attr("label"); ok {
			n.label, _ = a.number(label)
		}
		if at > 0 && a.err == nil && n.centre == nil {
			a.fail("a node of _bisecting_tree has no center")
		}
		if a.err != nil || left == nil {
			continue
		}
		n.left, n.right = len(objects), len(objects)+1
		objects = append(objects, left, right)
		m.nodes = append(m.nodes, bisection{}, bisection{})
	}
}

func (m *bisecting) predict(out outcome, x []float64, n int, a *arena) error {
	if err := m.kMeans.predict(outcome{score: out.score}, x, n, a); err != nil || out.pred == nil {
		return err
	}
	for i := range n {
		row := x[i*m.width : (i+1)*m.width]
		at := &m.nodes[0]
		for at.left != 0 {
			left, right := &m.nodes[at.left], &m.nodes[at.right]
			if at = left; nearer(row, right.centre, left.centre) {
				at = right
			}
		}
		out.pred[i] = at.label
	}
	return nil
}

// nearer reports whether a row is nearer to the first centre than to the second. It
// compares |c|² - 2 x·c, as scikit-learn does.
func nearer(row, first, second []float64) bool {
	return dot(first, first)-2*dot(row, first) < dot(second, second)-2*dot(row, second)
}
