package features

import (
	"math"
	"slices"
	"sort"
)

// entry is a value in a rolling window.
type entry struct {
	row int64 // the number of its row
	t   int64
	v   float64
}

// ring is a queue of entries in a circular buffer.
type ring struct {
	entries []entry // its length is a power of two
	first   int
	n       int
}

func (r *ring) at(i int) *entry { return &r.entries[(r.first+i)&(len(r.entries)-1)] }

func (r *ring) push(e entry) {
	if r.n == len(r.entries) {
		larger := make([]entry, max(8, 2*r.n))
		for i := range r.n {
			larger[i] = *r.at(i)
		}
		r.entries, r.first = larger, 0
	}
	r.n++
	*r.at(r.n - 1) = e
}

func (r *ring) pop() {
	r.first = (r.first + 1) & (len(r.entries) - 1)
	r.n--
}

// extent is the size of a rolling window: a number of rows, or a length of time.
type extent struct {
	rows int64 // the number of rows, including the current one; 0 for a length of time
	time int64 // milliseconds: the length of the window, or the largest age of a row if rows is set
}

// over reports whether e is no longer in the window of the current row, which is at t.
func (x extent) over(e *entry, row, t int64) bool {
	if x.rows > 0 {
		return e.row <= row-x.rows || e.t < t-x.time
	}
	return e.t <= t-x.time
}

func (c *Column) compileRolling(within int64) func() column {
	x := extent{rows: int64(c.Rolling.Rows), time: within}
	least := 1
	if x.rows > 0 {
		least = c.Rolling.Rows
	}
	if c.MinPeriods != nil {
		least = *c.MinPeriods
	}
	return func() column {
		switch c.Aggregate {
		case "min", "max":
			return &rollingExtreme{extent: x, least: least, max: c.Aggregate == "max"}
		case "median":
			return &rollingMedian{extent: x, least: least}
		}
		return &rollingMoments{extent: x, least: least, aggregate: c.Aggregate}
	}
}

// missing reports whether a rolling window ignores a value: NaN or an infinite one, as in
// pandas.
func missing(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// rollingMoments computes count, sum, mean, var and std.
type rollingMoments struct {
	extent
	least     int
	aggregate string
	row       int64
	held      ring
	moments
}

func (c *rollingMoments) next(t int64, v, _ float64) float64 {
	spread := c.aggregate == "std" || c.aggregate == "var"
	c.row++
	for c.held.n > 0 && c.over(c.held.at(0), c.row, t) {
		c.remove(c.held.at(0).v, spread)
		c.held.pop()
	}
	if c.aggregate == "count" && math.IsInf(v, 0) {
		v = 0 // count counts infinite values
	}
	if !missing(v) {
		c.held.push(entry{c.row, t, v})
		c.add(v, spread)
	}
	if c.n < c.least {
		return math.NaN()
	}
	switch c.aggregate {
	case "count":
		return float64(c.n)
	case "sum":
		return c.sum.value()
	case "mean":
		return c.mean()
	case "var":
		return c.variance()
	}
	return math.Sqrt(c.variance())
}

// rollingExtreme computes min and max. Best has only the values that no later value exceeds,
// so the first is the extreme.
type rollingExtreme struct {
	extent
	least int // min_periods
	max   bool
	row   int64
	best  ring
	held  ring // all values, to count them for min_periods
}

func (c *rollingExtreme) next(t int64, v, _ float64) float64 {
	c.row++
	for c.best.n > 0 && c.over(c.best.at(0), c.row, t) {
		c.best.pop()
	}
	if c.least > 1 {
		for c.held.n > 0 && c.over(c.held.at(0), c.row, t) {
			c.held.pop()
		}
	}
	if !missing(v) {
		for c.best.n > 0 {
			last := c.best.at(c.best.n - 1).v
			if c.max && last > v || !c.max && last < v {
				break
			}
			c.best.n--
		}
		c.best.push(entry{c.row, t, v})
		if c.least > 1 {
			c.held.push(entry{c.row, t, v})
		}
	}
	if c.best.n == 0 || c.held.n < c.least && c.least > 1 {
		return math.NaN()
	}
	return c.best.at(0).v
}

// rollingMedian computes the median. It keeps the values of the window sorted.
type rollingMedian struct {
	extent
	least  int
	row    int64
	held   ring
	sorted []float64
}

func (c *rollingMedian) next(t int64, v, _ float64) float64 {
	c.row++
	for c.held.n > 0 && c.over(c.held.at(0), c.row, t) {
		i := sort.SearchFloat64s(c.sorted, c.held.at(0).v)
		c.sorted = slices.Delete(c.sorted, i, i+1)
		c.held.pop()
	}
	if !missing(v) {
		c.held.push(entry{c.row, t, v})
		c.sorted = slices.Insert(c.sorted, sort.SearchFloat64s(c.sorted, v), v)
	}
	n := len(c.sorted)
	switch {
	case n == 0 || n < c.least:
		return math.NaN()
	case n%2 == 1:
		return c.sorted[n/2]
	}
	return (c.sorted[n/2-1] + c.sorted[n/2]) / 2
}
