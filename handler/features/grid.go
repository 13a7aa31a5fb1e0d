package features

import (
	"math"
	"slices"
)

// grid makes rows of the buckets [k·every, (k+1)·every) since 1970.
//
// Every bucket is a row that columns which count rows see, also one without a
// reading: its sums and counts are 0, the rest is missing. Given out is the row of
// a bucket in which a sensor has a reading, or into which a value is carried.
type grid struct {
	every, ffill int64
	back         int64 // how many buckets rows look back at
	bucket       int64
	open         bool
	filled       bool // a sensor has a reading in the bucket
	cells        []cell
	bySensor     [][]int
}

// cell is a column's state.
type cell struct {
	aggregate string
	bucketStats
	carried float64
	left    int64 // buckets that carried may still fill
}

func newGrid(p *Plan) *grid {
	every := p.source.Grid.millis()
	g := &grid{every: every, ffill: int64(p.source.Ffill), back: p.lookback/every + 1,
		cells: make([]cell, len(p.base)), bySensor: make([][]int, len(p.sensors))}
	for i, b := range p.base {
		g.cells[i] = cell{aggregate: b.aggregate}
		g.bySensor[b.sensor] = append(g.bySensor[b.sensor], i)
	}
	return g
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (g *grid) add(sensor int, v float64) {
	g.filled = true
	for _, i := range g.bySensor[sensor] {
		c := &g.cells[i]
		c.add(c.aggregate, v)
	}
}

// advance completes the buckets that end at t or before.
func (g *grid) advance(r *Rows, t int64) error {
	next := floorDiv(t, g.every)
	if !g.open { // whatever was before this computation is out of its sight
		g.open = true
		g.bucket = next - g.back
	}
	for g.bucket < next {
		if err := g.complete(r); err != nil {
			return err
		}
		// Where all that rows look back at is empty, more of it changes nothing.
		if g.idle() && next-g.bucket > g.back {
			g.bucket = next - g.back
		}
	}
	return nil
}

// close completes the buckets that end at t or before and may give a row.
func (g *grid) close(r *Rows, t int64) error {
	for next := floorDiv(t, g.every); g.bucket < next && !g.idle(); {
		if err := g.complete(r); err != nil {
			return err
		}
	}
	return nil
}

// idle reports whether the bucket is empty, with nothing carried into it.
func (g *grid) idle() bool {
	return !g.filled && !slices.ContainsFunc(g.cells, func(c cell) bool { return c.left > 0 })
}

// complete makes the row of the bucket, and opens the next.
func (g *grid) complete(r *Rows) error {
	shown := g.filled
	for i := range g.cells {
		c := &g.cells[i]
		v := c.value(c.aggregate)
		switch {
		case !math.IsNaN(v):
			c.carried, c.left = v, g.ffill
			if !g.filled && (c.aggregate == "sum" || c.aggregate == "count") {
				c.left = 0 // there is always a value: none is carried
			}
		case c.left > 0:
			v = c.carried
			c.left--
			shown = true
		}
		r.values[i] = v
		c.reset()
	}
	t := g.bucket * g.every
	g.bucket++
	g.filled = false
	// The row's place is where its last reading may be.
	return r.derive(t, t+g.every-1, shown)
}
