package sklearn

import (
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// hbos is pyod.models.hbos.HBOS. Its score is computed from a histogram of each column.
type hbos struct {
	edges [][]float64 // per column: the edges of its bins
	logs  [][]float64 // per column: log2(density + alpha) of each bin
	least []float64   // per column: the smallest of its logs
	tol   float64     // a value outside the edges by up to tol bins counts for the outer bin
}

func loadHBOS(a *attrs) (scorer, int) {
	h := &hbos{tol: a.finite("tol")}
	alpha := a.finite("alpha")
	density, edges := a.columnArrays("hist_"), a.columnArrays("bin_edges_")
	if a.err != nil {
		return nil, 0
	}
	if a.agree("hist_", &a.in, len(density)); len(edges) != len(density) {
		a.fail("bin_edges_ is of %d columns, hist_ of %d", len(edges), len(density))
	}
	size := 0
	for j, bins := range density {
		if a.err != nil {
			return nil, 0
		}
		if len(bins) == 0 || len(edges[j]) != len(bins)+1 || !slices.IsSorted(edges[j]) {
			a.fail("column %d has %d bins and %d edges in order", j, len(bins), len(edges[j]))
			return nil, 0
		}
		logs := make([]float64, len(bins))
		for i, v := range bins {
			logs[i] = math.Log2(v + alpha)
		}
		h.logs, h.edges, h.least = append(h.logs, logs), append(h.edges, edges[j]), append(h.least, slices.Min(logs))
		size += 16 * len(logs)
	}
	return h, size
}

// columnArrays reads an array for each column: the columns of a matrix, or a list of
// arrays of different lengths.
func (a *attrs) columnArrays(name string) [][]float64 {
	if list, ok := a.value(name).(*pickle.List); ok {
		var columns [][]float64
		for _, item := range list.Items {
			if a.err != nil || len(columns) == maxFeatures {
				return nil
			}
			columns = append(columns, a.vectorOf(name, item, &dim{what: "bins"}))
		}
		return columns
	}
	rows, width := &dim{what: "bins"}, &dim{what: "features"}
	data := a.matrix(name, rows, width)
	if a.err != nil {
		return nil
	}
	columns := make([][]float64, width.n)
	for j := range columns {
		columns[j] = make([]float64, rows.n)
		for i := range columns[j] {
			columns[j][i] = data[i*width.n+j]
		}
	}
	return columns
}

func (h *hbos) scores(dst, x []float64, _ *arena) error {
	d := len(h.edges)
	for i := range dst {
		sum := 0.0
		for j, v := range x[i*d : (i+1)*d] {
			sum += h.value(j, v)
		}
		dst[i] = -sum
	}
	return nil
}

// value returns the logarithm of the bin of column j that contains v.
func (h *hbos) value(j int, v float64) float64 {
	edges, logs := h.edges[j], h.logs[j]
	n := len(logs)
	bin, _ := slices.BinarySearch(edges, v) // numpy.digitize(…, right=True)
	switch {
	case bin == 0:
		if edges[0]-v <= (edges[1]-edges[0])*h.tol {
			return logs[0]
		}
		return h.least[j]
	case bin > n:
		if v-edges[n] <= (edges[n]-edges[n-1])*h.tol {
			return logs[n-1]
		}
		return h.least[j]
	}
	return logs[bin-1]
}

// loda is pyod.models.loda.LODA. Its score is computed from histograms of random
// projections.
type loda struct {
	width       int
	projections []float64   // a row for each projection
	weights     []float64   // per projection
	limits      [][]float64 // per projection: the upper edges of all bins but the last
	logs        [][]float64 // per projection: the logarithm of each bin
}

func loadLODA(a *attrs) (scorer, int) {
	count := &dim{what: "projections"}
	l := &loda{projections: a.matrix("projections_", count, &a.in)}
	l.weights = a.vector("weights", count)
	limits, histograms := a.rowArrays("limits_", count), a.rowArrays("histograms_", count)
	if a.err != nil {
		return nil, 0
	}
	l.width = a.in.n
	size := 8 * len(l.projections)
	for i, bins := range histograms {
		if len(bins) == 0 || len(limits[i]) != len(bins)+1 || !slices.IsSorted(limits[i]) {
			a.fail("projection %d has %d bins and %d limits in order", i, len(bins), len(limits[i]))
			return nil, 0
		}
		logs := make([]float64, len(bins))
		for j, v := range bins {
			logs[j] = math.Log(v)
		}
		if a.checkFinite("the logarithm of histograms_", logs); a.err != nil {
			return nil, 0
		}
		l.limits, l.logs = append(l.limits, limits[i][:len(bins)-1]), append(l.logs, logs)
		size += 16 * len(bins)
	}
	return l, size
}

// rowArrays reads count arrays: the rows of a matrix, or a list of arrays of different
// lengths.
func (a *attrs) rowArrays(name string, count *dim) [][]float64 {
	var rows [][]float64
	if list, ok := a.value(name).(*pickle.List); ok {
		for _, item := range list.Items {
			if a.err != nil || len(rows) > count.n {
				break
			}
			rows = append(rows, a.vectorOf(name, item, &dim{what: "bins"}))
		}
		a.agree(name, count, len(rows))
		return rows
	}
	width := &dim{what: "bins"}
	data := a.matrix(name, count, width)
	for i := range count.n {
		if a.err == nil {
			rows = append(rows, data[i*width.n:(i+1)*width.n])
		}
	}
	return rows
}

func (l *loda) scores(dst, x []float64, _ *arena) error {
	for i := range dst {
		row := x[i*l.width : (i+1)*l.width]
		sum := 0.0
		for k, logs := range l.logs {
			v := 0.0
			for j, p := range l.projections[k*l.width : (k+1)*l.width] {
				v = math.FMA(p, row[j], v)
			}
			bin, _ := slices.BinarySearch(l.limits[k], v)
			sum += float64(-l.weights[k] * logs[bin])
		}
		dst[i] = sum / float64(len(l.logs))
	}
	return nil
}
