package series

import (
	"container/heap"
	"iter"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Sample is a point of one of several sensors, by its position among them.
type Sample struct {
	Point
	Sensor int
}

// Samples yields the series of several sensors as one, in the order of time; at one
// time, in the order of ids. Sharers is as for [Set.Points].
func (s *Set) Samples(ids []fleet.ID, sharers int) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		var h merge
		for i, id := range ids {
			c := &source{cursor: s.cursor(id, max(sharers, 1)*len(ids)), sensor: i}
			if err := c.fill(); err != nil {
				yield(Sample{}, err)
				return
			}
			if len(c.at) > 0 {
				h = append(h, c)
			}
		}
		heap.Init(&h)
		for len(h) > 0 {
			c := h[0]
			if !yield(Sample{c.at[0], c.sensor}, nil) {
				return
			}
			c.at = c.at[1:]
			if err := c.fill(); err != nil {
				yield(Sample{}, err)
				return
			}
			if len(c.at) == 0 {
				heap.Pop(&h)
			} else {
				heap.Fix(&h, 0)
			}
		}
	}
}

// source is a series in a merge.
type source struct {
	*cursor
	at     []Point
	sensor int
}

func (c *source) fill() (err error) {
	if len(c.at) == 0 {
		c.at, err = c.points()
	}
	return err
}

// merge is a heap of series, the one with the earliest point first.
type merge []*source

func (m merge) Len() int { return len(m) }

func (m merge) Less(i, j int) bool {
	a, b := m[i], m[j]
	return a.at[0].Time < b.at[0].Time || a.at[0].Time == b.at[0].Time && a.sensor < b.sensor
}

func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }

func (m *merge) Push(x any) { *m = append(*m, x.(*source)) }

func (m *merge) Pop() any {
	last := len(*m) - 1
	c := (*m)[last]
	*m = (*m)[:last]
	return c
}
