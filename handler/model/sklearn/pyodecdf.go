package sklearn

import (
	"math"
	"slices"
)

// ecdf is pyod.models.ecod.ECOD or pyod.models.copod.COPOD. Its score says how far a row is
// in the tails of the empirical distributions of its columns. These distributions are of
// the fitted rows and of the rows that are scored in the same call. So in PyOD a score
// depends on the other rows of the call. Here each row is scored as if it were alone,
// unless the caller uses [Model.PredictTogether].
type ecdf struct {
	columns []tailed
	rows    int  // fitted rows
	copula  bool // COPOD
}

// tailed is the distribution of a column in the fitted rows.
type tailed struct {
	sorted []float64
	moments
}

func loadECDF(copula bool) func(*attrs) (scorer, int) {
	return func(a *attrs) (scorer, int) {
		count := &dim{what: "rows"}
		data := a.matrix("X_train", count, &a.in)
		if a.err != nil {
			return nil, 0
		}
		e := &ecdf{rows: count.n, copula: copula, columns: make([]tailed, a.in.n)}
		for j := range e.columns {
			c := &e.columns[j]
			c.sorted = make([]float64, e.rows)
			for i := range c.sorted {
				c.sorted[i] = data[i*a.in.n+j]
			}
			slices.Sort(c.sorted)
			c.moments = momentsOf(c.sorted)
		}
		a.note("rows", e.rows)
		return e, 8 * len(data)
	}
}

func (e *ecdf) scores(dst, x []float64, a *arena) error {
	d := len(e.columns)
	clear(dst)
	for j := range e.columns {
		if a.together {
			e.columns[j].together(e, dst, x, j, a)
			continue
		}
		for i := range dst {
			v := x[i*d+j]
			below, _ := slices.BinarySearch(e.columns[j].sorted, math.Nextafter(v, math.Inf(1))) // v or less
			under, _ := slices.BinarySearch(e.columns[j].sorted, v)
			skew := e.columns[j].with(v).skewness()
			dst[i] += e.outlier(below+1, e.rows-under+1, e.rows+1, skew)
		}
	}
	return nil
}

// together adds the scores of column j to dst, for the rows of x in one call of PyOD.
func (c *tailed) together(e *ecdf, dst, x []float64, j int, a *arena) {
	defer a.release(a.used)
	d, n := len(e.columns), e.rows+len(dst)
	all := a.take(n)
	copy(all, c.sorted)
	m := c.moments
	for i := range dst {
		all[e.rows+i] = x[i*d+j]
		m = m.with(x[i*d+j])
	}
	slices.Sort(all)
	skew := m.skewness()
	for i := range dst {
		v := x[i*d+j]
		below, _ := slices.BinarySearch(all, math.Nextafter(v, math.Inf(1)))
		under, _ := slices.BinarySearch(all, v)
		dst[i] += e.outlier(below, n-under, n, skew)
	}
}

// outlier returns the score of a value in one column. Of n values, notBelow are less or
// equal, and notAbove are greater or equal.
func (e *ecdf) outlier(notBelow, notAbove, n int, skew float64) float64 {
	left, right := -math.Log(share(notBelow, n)), -math.Log(share(notAbove, n))
	tail := left + right
	switch {
	case skew > 0:
		tail = right
	case skew < 0:
		tail = left
	}
	if e.copula {
		return max(tail, (left+right)/2)
	}
	return max(tail, left, right)
}

// share returns element k of numpy.linspace(1/n, 1, n), counted from 1.
func share(k, n int) float64 {
	if k == n {
		return 1
	}
	start := 1 / float64(n)
	return float64(float64(k-1)*((1-start)/float64(n-1))) + start
}

// moments are the number of values, their mean, and the sums of the squares and cubes of
// their differences from the mean.
type moments struct{ n, mean, squares, cubes float64 }

func momentsOf(v []float64) moments {
	m := moments{n: float64(len(v))}
	for _, x := range v {
		m.mean += x
	}
	m.mean /= m.n
	for _, x := range v {
		d := x - m.mean
		m.squares += d * d
		m.cubes += d * d * d
	}
	return m
}

// with returns the moments after one more value (Pébay,
// https://www.osti.gov/biblio/1028931).
func (m moments) with(x float64) moments {
	n := m.n + 1
	d := x - m.mean
	step := d / n
	return moments{
		n: n, mean: m.mean + step,
		squares: m.squares + d*step*m.n,
		cubes:   m.cubes + d*step*step*m.n*(m.n-1) - 3*step*m.squares,
	}
}

// skewness returns a number with the sign of scipy.stats.skew, which is 0 if all values
// are the same.
func (m moments) skewness() float64 {
	const epsilon = 0x1p-52
	if variance := m.squares / m.n; variance <= (epsilon*m.mean)*(epsilon*m.mean) {
		return 0
	}
	return m.cubes
}
