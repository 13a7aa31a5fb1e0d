package series

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Point is the time and value of a reading.
type Point struct {
	Time  fleet.Millis
	Value float64
}

const pointBytes = int64(unsafe.Sizeof(Point{}))

// Options are the options of a [Set].
type Options struct {
	// Memory is the number of bytes that readings may take before they are written to
	// disk, at least 1 MiB.
	Memory int64
	// Dir is the folder for temporary files. Empty means the system's. The files are
	// removed when the set is closed and, on most systems, when the process is killed.
	Dir string
}

// Set holds the readings of many sensors. One goroutine adds readings and then calls
// [Set.Sort]. After that several goroutines may read.
type Set struct {
	opt     Options
	sensors map[fleet.ID]int32 // positions in points
	ids     []fleet.ID         // by position, until Sort sorts them
	points  [][]Point          // by sensor: the points in memory
	last    int32              // the sensor of the last reading
	after   []int32            // by sensor: the sensor whose reading came next the last time
	held    int64              // bytes of the points in memory
	files   []*part

	added          int
	from, to       fleet.Millis // the first and the last time
	equal, differs atomic.Int64 // see Copies
}

// New returns an empty set.
func New(opt Options) *Set {
	opt.Memory = max(opt.Memory, 1<<20)
	return &Set{opt: opt, sensors: map[fleet.ID]int32{}, from: fleet.MaxMillis, to: fleet.MinMillis}
}

// Add adds a valid reading. An error is one of the disk.
func (s *Set) Add(r fleet.Reading) error {
	i := s.sensor(r.ID)
	p := s.points[i]
	if len(p) == cap(p) {
		p = slices.Grow(p, max(16, len(p)/2))
		s.held += int64(cap(p)-cap(s.points[i])) * pointBytes
	}
	s.points[i] = append(p, Point{r.Time, r.Value + 0}) // -0 is 0, as in the database
	s.added++
	s.from, s.to = min(s.from, r.Time), max(s.to, r.Time)
	if s.held > s.opt.Memory {
		return s.spill()
	}
	return nil
}

// sensor returns the position of a sensor. Sensors often come in the same order again and
// again, so it first tries the sensor that came next the last time.
func (s *Set) sensor(id fleet.ID) int32 {
	if len(s.after) > 0 {
		if next := s.after[s.last]; s.ids[next] == id {
			s.last = next
			return next
		}
	}
	i, ok := s.sensors[id]
	if !ok {
		i = int32(len(s.ids))
		s.sensors[id] = i
		s.ids = append(s.ids, id)
		s.points = append(s.points, nil)
		s.after = append(s.after, i)
	}
	s.after[s.last], s.last = i, i
	return i
}

// Sort sorts the readings, after the last one is added. An error is one of the disk.
func (s *Set) Sort() error {
	if len(s.files) > 0 && s.held > s.opt.Memory/2 { // leave memory for reading the files
		if err := s.spill(); err != nil {
			return err
		}
	}
	slices.SortFunc(s.ids, fleet.CompareID)
	return s.sortPoints()
}

// sortPoints sorts the points in memory by time. Points at the same time keep their order.
func (s *Set) sortPoints() error {
	var g spawn.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	const some = 64 // sensors at a time
	for at := 0; at < len(s.points); at += some {
		g.Start(func() error {
			for _, p := range s.points[at:min(at+some, len(s.points))] {
				if !slices.IsSortedFunc(p, compareTime) {
					slices.SortStableFunc(p, compareTime)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func compareTime(a, b Point) int {
	return cmp.Compare(a.Time, b.Time)
}

// spill moves the points in memory to a file.
func (s *Set) spill() error {
	if err := s.sortPoints(); err != nil {
		return err
	}
	p, err := writePart(s.opt.Dir, s.points)
	if err != nil {
		return fmt.Errorf("write readings to disk, as they hold more than %d MB: %w", s.opt.Memory>>20, err)
	}
	s.files = append(s.files, p)
	clear(s.points)
	s.held = 0
	return nil
}

// IDs returns the sensors in the order of [fleet.CompareID]. The caller must not change the
// slice.
func (s *Set) IDs() []fleet.ID { return s.ids }

// Len returns the number of readings that were added.
func (s *Set) Len() int { return s.added }

// Span returns the times of the first and the last reading.
func (s *Set) Span() (first, last fleet.Millis) { return s.from, s.to }

// Files returns the number of files that the set has written.
func (s *Set) Files() int { return len(s.files) }

// Copies returns how many readings were left out of the series that were read so far, because
// an earlier reading has the same sensor and time. Equal counts those with the same value as
// the earlier one, different the others.
func (s *Set) Copies() (equal, different int) { return int(s.equal.Load()), int(s.differs.Load()) }

// Close removes the files.
func (s *Set) Close() error {
	var errs []error
	for _, p := range s.files {
		errs = append(errs, p.close())
	}
	s.files = nil
	if err := errors.Join(errs...); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
