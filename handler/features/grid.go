package features

import (
	"math"
	"slices"
)

// grid makes a row of each bucket [k·every, (k+1)·every), counted from 1970, like pandas'
// resample.
//
// A bucket without readings is a row too, for columns that count rows. Its sums and counts are
// 0, and the other columns are missing. A row is returned only if a sensor has a reading in
// its bucket, or a value is filled into it (ffill).
type grid struct {
	every, ffill int64 // milliseconds; buckets
	back         int64 // the lookback, in buckets
	bucket       int64 // the number of the current bucket
	open         bool  // bucket is set
	filled       bool  // a sensor has a reading in the bucket
	cells        []cell
	bySensor     [][]int // by sensor: the positions of its cells
}

// cell is the state of a column.
type cell struct {
	aggregate string
	bucketStats
	carried float64 // the last value, for ffill
	left    int64   // the number of buckets that carried may still fill
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
	if !g.open { // begin so early that the first row has its whole lookback
		g.open = true
		g.bucket = next - g.back
	}
	for g.bucket < next {
		if err := g.complete(r); err != nil {
			return err
		}
		// After a whole lookback of empty buckets, more of them change nothing.
		if g.idle() && next-g.bucket > g.back {
			g.bucket = next - g.back
		}
	}
	return nil
}

// close completes the buckets that end at t or before and may have a row.
func (g *grid) close(r *Rows, t int64) error {
	for next := floorDiv(t, g.every); g.bucket < next && !g.idle(); {
		if err := g.complete(r); err != nil {
			return err
		}
	}
	return nil
}

// idle reports whether the bucket has no readings and no value is filled into it.
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
				c.left = 0 // sums and counts are never missing, so they are not filled
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
	// The row belongs to the window in which the bucket ends.
	return r.derive(t, t+g.every-1, shown)
}
