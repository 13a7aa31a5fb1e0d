package series

import (
	"iter"
	"math"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Pieces in which parts are read, in points.
const (
	minPiece = 64
	maxPiece = 4096
)

// run is the part of a series that one file, or memory, has. Its points are sorted.
type run struct {
	points   []Point // the piece at hand, as far as it is not taken
	file     *part
	from, to int64 // what is still in the file
	piece    []Point
	space    []byte
}

// fill reads the next piece if the one at hand is taken.
func (r *run) fill() error {
	if len(r.points) > 0 || r.from == r.to {
		return nil
	}
	n := min(int64(len(r.piece)), r.to-r.from)
	if err := r.file.read(r.piece[:n], r.from, r.space); err != nil {
		return err
	}
	r.points = r.piece[:n]
	r.from += n
	return nil
}

// cursor reads a series. The earlier a run, the earlier its points were added.
type cursor struct {
	set  *Set
	runs []*run
	last Point // the point yielded last
	any  bool  // there was one
	next []Point
}

// cursor returns the series of a sensor. Sharers is how many cursors are open at a
// time.
func (s *Set) cursor(id fleet.ID, sharers int) *cursor {
	c := &cursor{set: s}
	sensor, ok := s.sensors[id]
	if !ok {
		return c
	}
	piece := s.opt.Memory / 4 / pointBytes / 2 / int64(max(sharers, 1)*max(len(s.files), 1))
	piece = min(max(piece, minPiece), maxPiece)
	for _, f := range s.files {
		if from, to := f.region(sensor); from < to {
			n := min(piece, to-from)
			c.runs = append(c.runs, &run{file: f, from: from, to: to, piece: make([]Point, n), space: make([]byte, n*pointBytes)})
		}
	}
	if p := s.points[sensor]; len(p) > 0 {
		c.runs = append(c.runs, &run{points: p})
	}
	return c
}

// points returns the next points of the series, none at its end. They are valid
// until it is called again.
func (c *cursor) points() ([]Point, error) {
	for {
		least, before := -1, fleet.Millis(math.MaxInt64)
		for i := 0; i < len(c.runs); i++ {
			r := c.runs[i]
			if err := r.fill(); err != nil {
				return nil, err
			}
			if len(r.points) == 0 {
				c.runs = append(c.runs[:i], c.runs[i+1:]...)
				i--
				continue
			}
			if t := r.points[0].Time; least < 0 || t < c.runs[least].points[0].Time {
				if least >= 0 {
					before = min(before, c.runs[least].points[0].Time)
				}
				least = i
			} else {
				before = min(before, t)
			}
		}
		if least < 0 {
			return nil, nil
		}
		// The points of the run before another's first come next.
		r := c.runs[least]
		n := 1
		for n < len(r.points) && r.points[n].Time < before {
			n++
		}
		out := c.distinct(r.points[:n])
		r.points = r.points[n:]
		if len(out) > 0 {
			return out, nil
		}
	}
}

// distinct returns the points whose time is not that of the one before.
func (c *cursor) distinct(p []Point) []Point {
	clean := true
	last, any := c.last, c.any
	for i := range p {
		if any && p[i].Time == last.Time {
			clean = false
			break
		}
		last, any = p[i], true
	}
	if clean {
		c.last, c.any = last, any
		return p
	}
	c.next = c.next[:0]
	for _, q := range p {
		switch {
		case !c.any || q.Time != c.last.Time:
			c.next = append(c.next, q)
			c.last, c.any = q, true
		case q.Value == c.last.Value:
			c.set.equal.Add(1)
		default:
			c.set.differs.Add(1)
		}
	}
	return c.next
}

// Points yields the series of a sensor, some points at a time; they are valid until
// the next. Several goroutines, sharers of them, may read at a time: they share the
// memory.
func (s *Set) Points(id fleet.ID, sharers int) iter.Seq2[[]Point, error] {
	return func(yield func([]Point, error) bool) {
		c := s.cursor(id, sharers)
		for {
			p, err := c.points()
			if err != nil {
				yield(nil, err)
				return
			}
			if len(p) == 0 || !yield(p, nil) {
				return
			}
		}
	}
}
