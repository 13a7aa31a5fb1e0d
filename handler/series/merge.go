package series

import (
	"iter"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Sample is a point of one of several series.
type Sample struct {
	Point
	Series int // the position of its series
}

// Next returns the next points of a series, or none at its end. The points are valid until the
// next call.
type Next func() ([]Point, error)

// InMemory returns the Next of points in memory.
func InMemory(points []Point) Next {
	return func() ([]Point, error) {
		all := points
		points = nil
		return all, nil
	}
}

// Samples yields the points of several sensors in the order of time; see [Merge]. For sharers
// see [Set.Points].
func (s *Set) Samples(ids []fleet.ID, sharers int) iter.Seq2[Sample, error] {
	of := make([]Next, len(ids))
	for i, id := range ids {
		of[i] = s.cursor(id, max(sharers, 1)*len(ids)).points
	}
	return Merge(of)
}

// Merge yields the points of several series in the order of time. Each series must be in that
// order. Points at the same time are yielded in the order of their series.
func Merge(of []Next) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		m := merge{next: of, at: make([][]Point, len(of))}
		if err := m.start(); err != nil {
			yield(Sample{}, err)
			return
		}
		for len(m.heads) > 0 {
			least := m.heads[0].series
			if !yield(Sample{m.at[least][0], least}, nil) {
				return
			}
			if err := m.advance(); err != nil {
				yield(Sample{}, err)
				return
			}
		}
	}
}

// merge is a heap of series. The series with the earliest next point is on top.
type merge struct {
	next  []Next
	at    [][]Point // by series: the points that are read and not yielded
	heads []head
}

type head struct {
	time   fleet.Millis
	series int
}

func (h head) before(other head) bool {
	return h.time < other.time || h.time == other.time && h.series < other.series
}

func (m *merge) start() (err error) {
	for i := range m.next {
		if m.at[i], err = m.next[i](); err != nil {
			return err
		}
		if len(m.at[i]) > 0 {
			m.heads = append(m.heads, head{m.at[i][0].Time, i})
		}
	}
	for i := len(m.heads)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return nil
}

// advance goes to the next point of the first series.
func (m *merge) advance() (err error) {
	i := m.heads[0].series
	if m.at[i] = m.at[i][1:]; len(m.at[i]) == 0 {
		if m.at[i], err = m.next[i](); err != nil {
			return err
		}
	}
	if len(m.at[i]) > 0 {
		m.heads[0].time = m.at[i][0].Time
	} else {
		last := len(m.heads) - 1
		m.heads[0] = m.heads[last]
		m.heads = m.heads[:last]
	}
	m.down(0)
	return nil
}

// down moves head i down until the heap is in order.
func (m *merge) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.heads); child++ {
			if m.heads[child].before(m.heads[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heads[i], m.heads[least] = m.heads[least], m.heads[i]
		i = least
	}
}
