package features

import "math"

func (c *Column) compileShift(within int64) func() column {
	n, way := c.periods(), c.ways()[0]
	return func() column { return &shift{n: int64(n), within: within, way: way} }
}

// shift computes shift, diff and pct_change, which compare a row with the n-th row before it.
// If that row is older than within, the result is missing.
type shift struct {
	n, within int64 // rows; milliseconds
	way       string
	row       int64
	held      ring // with missing values, which count as rows
}

func (c *shift) next(t int64, v, _ float64) float64 {
	c.row++
	for c.held.n > 0 && (c.held.at(0).row < c.row-c.n || c.held.at(0).t < t-c.within) {
		c.held.pop()
	}
	before := math.NaN()
	if c.held.n > 0 && c.held.at(0).row == c.row-c.n {
		before = c.held.at(0).v
	}
	c.held.push(entry{c.row, t, v})
	switch c.way {
	case "diff":
		return v - before
	case "pct_change":
		return v/before - 1
	}
	return before
}

func (c *Column) compileEwm(within int64) func() column {
	// Like pandas: get_center_of_mass, then alpha.
	var mass float64
	switch e := c.Ewm; {
	case e.Span > 0:
		mass = (e.Span - 1) / 2
	case e.Halflife > 0:
		mass = 1/(1-math.Exp(math.Log(0.5)/e.Halflife)) - 1
	default:
		mass = (1 - e.Alpha) / e.Alpha
	}
	alpha := 1 / (1 + mass)
	w := &ewm{within: within, alpha: alpha, adjust: c.Ewm.Adjust == nil || *c.Ewm.Adjust, least: 1, most: ewmRows(alpha)}
	if c.MinPeriods != nil {
		w.least = max(1, *c.MinPeriods)
	}
	return func() column {
		fresh := *w
		return &fresh
	}
}

// ewmRows returns the number of rows that the mean needs. The weights of older rows are below
// 2^-80 of the newest row's weight, too small to change a float64.
func ewmRows(alpha float64) int {
	if alpha >= 1 {
		return 1
	}
	return int(min(1e6, math.Ceil(-80*math.Ln2/math.Log1p(-alpha)))) + 1
}

// ewm computes the exponentially weighted mean over the rows of its lookback. It computes the
// mean anew for each row, with the recurrence of pandas (ewm with ignore_na=False in
// pandas/_libs/window/aggregations.pyx).
type ewm struct {
	within  int64 // milliseconds
	most    int   // see ewmRows
	alpha   float64
	adjust  bool
	least   int // min_periods
	row     int64
	held    ring  // with missing values, over which the weights decay
	present int   // the number of values in held that are not missing
	newest  int64 // the row of the newest value that is not missing
}

func (c *ewm) next(t int64, v, _ float64) float64 {
	c.row++
	for c.held.n > 0 && c.held.at(0).t < t-c.within {
		if !math.IsNaN(c.held.at(0).v) {
			c.present--
		}
		c.held.pop()
	}
	if math.IsInf(v, 0) {
		v = math.NaN()
	}
	if !math.IsNaN(v) {
		c.present++
		c.newest = c.row
	}
	c.held.push(entry{c.row, t, v})
	if c.present < c.least {
		return math.NaN()
	}
	decay, weight := 1-c.alpha, c.alpha
	if c.adjust {
		weight = 1
	}
	mean, old := math.NaN(), 1.0
	last := c.held.n - 1 - int(c.row-c.newest)
	for i := max(0, last-c.most+1); i <= last; i++ {
		v := c.held.at(i).v
		if math.IsNaN(mean) {
			mean = v
			continue
		}
		old *= decay
		if math.IsNaN(v) {
			continue
		}
		if mean != v {
			mean = (float64(old*mean) + float64(weight*v)) / (old + weight)
		}
		if c.adjust {
			old += weight
		} else {
			old = 1
		}
	}
	return mean
}
