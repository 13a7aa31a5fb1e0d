package series

import (
	"iter"
	"math"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// The size of the pieces in which files are read, in points.
const (
	minPiece = 64
	maxPiece = 4096
)

// run is the part of a series that is in one file, or in memory. Its points are sorted.
type run struct {
	points   []Point // the points that are read and not used
	file     *part
	from, to int64 // the numbers of the points in the file that are not read
	piece    []Point
	space    []byte
}

// fill reads the next piece if all points are used.
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

// cursor reads a series. Its runs are in the order in which their points were added.
type cursor struct {
	set  *Set
	runs []*run
	last Point // the last point that was returned
	any  bool  // last is set
	next []Point
}

// cursor returns a cursor for a sensor. Sharers is the number of cursors that share the
// memory.
func (s *Set) cursor(id fleet.ID, sharers int) *cursor {
	c := &cursor{set: s}
	sensor, ok := s.sensors[id]
	if !ok {
		return c
	}
	piece := pieceSize(s.opt.Memory, sharers, len(s.files))
	for _, f := range s.files {
		if from, to := f.region(sensor); from < to {
			n := min(piece, to-from)
			c.runs = append(c.runs, &run{file: f, from: from, to: to, piece: make([]Point, n), space: make([]byte, n*pointBytes)})
		}
	}
	c.runs = append(c.runs, &run{points: s.points[sensor]})
	return c
}

// pieceSize returns how many points of a file are read at a time. All pieces together take at
// most a quarter of the memory, unless they are of the least size. A point in a piece takes its
// size twice: as bytes of the file, and as a [Point].
func pieceSize(memory int64, sharers, files int) int64 {
	n := memory / 4 / (2 * pointBytes) / int64(max(sharers, 1)*max(files, 1))
	return min(max(n, minPiece), maxPiece)
}

// points is a [Next].
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
		// Return the points of this run that are before the first point of every other run.
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

// distinct removes points with the same time as the point before, and counts them.
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

// Points yields the series of a sensor, several points at a time. They are valid until the next
// ones are yielded. Sharers is the number of goroutines that read series at the same time; each
// gets a part of the memory.
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
