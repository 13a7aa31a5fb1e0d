package series

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// oracle sorts readings as the database keeps them: of several with the same sensor and
// time only the first.
func oracle(all []fleet.Reading) (kept map[fleet.ID][]Point, equal, different int) {
	first := map[fleet.ID]map[fleet.Millis]float64{}
	kept = map[fleet.ID][]Point{}
	for _, r := range all {
		if first[r.ID] == nil {
			first[r.ID] = map[fleet.Millis]float64{}
		}
		switch v, ok := first[r.ID][r.Time]; {
		case !ok:
			first[r.ID][r.Time] = r.Value
			kept[r.ID] = append(kept[r.ID], Point{r.Time, r.Value})
		case v == r.Value:
			equal++
		default:
			different++
		}
	}
	for _, p := range kept {
		slices.SortFunc(p, func(a, b Point) int { return cmp.Compare(a.Time, b.Time) })
	}
	return kept, equal, different
}

// shuffled returns readings of a few sensors, many of them at the same times.
func shuffled(random *rand.Rand, n int) []fleet.Reading {
	all := make([]fleet.Reading, n)
	for i := range all {
		all[i] = fleet.Reading{
			ID:   fleet.ID{Device: fmt.Sprint(random.IntN(3)), Sensor: fmt.Sprint(random.IntN(4))},
			Time: fleet.Millis(random.IntN(max(n/3, 1))), Value: float64(random.IntN(3)),
		}
	}
	switch random.IntN(3) {
	case 0:
		slices.SortStableFunc(all, func(a, b fleet.Reading) int { return cmp.Compare(a.Time, b.Time) })
	case 1:
		slices.SortStableFunc(all, func(a, b fleet.Reading) int { return fleet.CompareID(a.ID, b.ID) })
	}
	return all
}

// fill returns a set that spills at this number of bytes, and has these readings.
func fill(t *testing.T, memory int64, all []fleet.Reading) *Set {
	t.Helper()
	s := New(Options{Dir: t.TempDir()})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.opt.Memory = memory
	for _, r := range all {
		if err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sort(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAgainstOracle compares sets of random readings, most of them on disk, with a
// simple implementation.
func TestAgainstOracle(t *testing.T) {
	t.Parallel()
	files := 0
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		all := shuffled(random, random.IntN(2000))
		s := fill(t, int64(1+random.IntN(40_000)), all)
		files += s.Files()
		want, equal, different := oracle(all)
		if from, to := s.Span(); len(all) > 0 {
			byTime := func(a, b fleet.Reading) int { return cmp.Compare(a.Time, b.Time) }
			if first, last := slices.MinFunc(all, byTime).Time, slices.MaxFunc(all, byTime).Time; from != first || to != last {
				t.Fatalf("seed %d: Span() is %v to %v, want %v to %v", seed, from, to, first, last)
			}
		}
		if s.Len() != len(all) || !slices.IsSortedFunc(s.IDs(), fleet.CompareID) || len(s.IDs()) != len(want) {
			t.Fatalf("seed %d: got %d readings of %v, want %d of %d sensors in order", seed, s.Len(), s.IDs(), len(all), len(want))
		}
		var merged []Sample
		for i, id := range s.IDs() {
			var got []Point
			for p, err := range s.Points(id, 1) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p...)
			}
			if !slices.Equal(got, want[id]) {
				t.Fatalf("seed %d, %d files: %v has %v, want %v", seed, s.Files(), id, got, want[id])
			}
			for _, p := range want[id] {
				merged = append(merged, Sample{p, i})
			}
		}
		if e, d := s.Copies(); e != equal || d != different {
			t.Fatalf("seed %d: %d equal and %d different copies, want %d and %d", seed, e, d, equal, different)
		}
		slices.SortStableFunc(merged, func(a, b Sample) int { return cmp.Compare(a.Time, b.Time) })
		i := 0
		for got, err := range s.Samples(s.IDs(), 2) {
			if err != nil || i == len(merged) || got != merged[i] {
				t.Fatalf("seed %d: sample %d of %d is %v, %v; want %v", seed, i, len(merged), got, err, merged[min(i, len(merged)-1)])
			}
			i++
		}
		if i != len(merged) {
			t.Fatalf("seed %d: %d samples, want %d", seed, i, len(merged))
		}
	}
	if files < 250 {
		t.Errorf("all sets together wrote %d files, want at least 250", files)
	}
}

// TestManyReaders lets several goroutines read the same sensors at the same time.
func TestManyReaders(t *testing.T) {
	t.Parallel()
	all := shuffled(rand.New(rand.NewPCG(7, 7)), 20_000)
	s := fill(t, 50_000, all)
	want, _, _ := oracle(all)
	var g spawn.Group
	for range 8 {
		for _, id := range s.IDs() {
			g.Start(func() error {
				var got []Point
				for p, err := range s.Points(id, 96) {
					if err != nil {
						return err
					}
					got = append(got, p...)
				}
				if !slices.Equal(got, want[id]) {
					return fmt.Errorf("%v: got %v, want %v", id, got, want[id])
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// TestEdges checks empty sets, -0, and a set of one reading.
func TestEdges(t *testing.T) {
	t.Parallel()
	s := fill(t, 1<<20, nil)
	for range s.Points(fleet.ID{Device: "d", Sensor: "s"}, 1) {
		t.Error("got points of a sensor without readings")
	}
	for range s.Samples(nil, 1) {
		t.Error("got samples of no sensors")
	}
	if s.Len() != 0 || s.Files() != 0 {
		t.Errorf("an empty set: got %d readings, %d files", s.Len(), s.Files())
	}
	zero := fill(t, 1, []fleet.Reading{{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: 5, Value: math.Copysign(0, -1)}})
	for p, err := range zero.Points(fleet.ID{Device: "d", Sensor: "s"}, 1) {
		if err != nil || len(p) != 1 || 1/p[0].Value < 0 {
			t.Errorf("got %v, %v, want a single 0 for -0", p, err)
		}
	}
	if from, to := zero.Span(); from != 5 || to != 5 || zero.Files() != 1 {
		t.Errorf("one reading at 5: got %v to %v in %d files, want one file", from, to, zero.Files())
	}
}

// TestManySensors checks that the points of each of many sensors are sorted.
func TestManySensors(t *testing.T) {
	t.Parallel()
	var all []fleet.Reading
	for sensor := range 200 {
		for i := range 5 {
			all = append(all, fleet.Reading{ID: fleet.ID{Device: fmt.Sprint(sensor), Sensor: "s"}, Time: fleet.Millis(-i)})
		}
	}
	for _, memory := range []int64{1 << 20, 10_000} {
		s := fill(t, memory, all)
		for _, id := range s.IDs() {
			var got []fleet.Millis
			for p, err := range s.Points(id, 1) {
				if err != nil {
					t.Fatal(err)
				}
				for _, q := range p {
					got = append(got, q.Time)
				}
			}
			if !slices.Equal(got, []fleet.Millis{-4, -3, -2, -1, 0}) {
				t.Fatalf("%v: got points at %v, want -4 to 0", id, got)
			}
		}
	}
}

// TestMemory checks that the set counts the bytes that its points take, does not grow by
// much more than half, and spills when it takes more than its memory.
func TestMemory(t *testing.T) {
	t.Parallel()
	s := New(Options{Dir: t.TempDir()})
	defer s.Close()
	add := func(sensor string) {
		t.Helper()
		if err := s.Add(fleet.Reading{ID: fleet.ID{Device: "d", Sensor: sensor}, Time: fleet.Millis(s.Len())}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3000 {
		add("a")
		if s.held != int64(cap(s.points[0]))*pointBytes {
			t.Fatalf("after %d readings: %d bytes counted for room for %d points", i+1, s.held, cap(s.points[0]))
		}
	}
	if room := cap(s.points[0]); room > 4700 {
		t.Errorf("room for %d points after 3000, want not much more than half on top", room)
	}
	s.opt.Memory = s.held
	add("a")
	if s.Files() != 0 {
		t.Error("spilled with its memory just full")
	}
	s.opt.Memory = s.held - 1
	add("a")
	if s.Files() != 1 || s.held != 0 {
		t.Errorf("one byte over its memory: %d files, %d bytes counted; want 1, 0", s.Files(), s.held)
	}
	// Sort writes points to disk only if files have to be read, and half of the memory is taken.
	for _, c := range []struct{ memory, files int64 }{{2, 1}, {1, 2}} {
		for range 10 {
			add("b")
		}
		s.opt.Memory = c.memory * s.held
		if err := s.Sort(); err != nil {
			t.Fatal(err)
		}
		if int64(s.Files()) != c.files {
			t.Errorf("memory of %d times what is taken: %d files after Sort, want %d", c.memory, s.Files(), c.files)
		}
	}
}

// TestPieces checks the size of the pieces in which files are read.
func TestPieces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		memory         int64
		sharers, files int
		want           int64
	}{
		{128 * 1000, 1, 1, 1000}, {128 * 1000, 0, 0, 1000}, {128 * 1000, 2, 5, 100}, {1 << 40, 1, 1, 4096}, {1 << 20, 1000, 1, 64},
	} {
		if got := pieceSize(c.memory, c.sharers, c.files); got != c.want {
			t.Errorf("%d bytes, %d sharers, %d files: pieces of %d points, want %d", c.memory, c.sharers, c.files, got, c.want)
		}
	}
	// A piece is no longer than the sensor's points in the file.
	s := New(Options{Dir: t.TempDir()})
	defer s.Close()
	a, b := fleet.ID{Device: "d", Sensor: "a"}, fleet.ID{Device: "d", Sensor: "b"}
	for i := range 30 {
		for _, id := range []fleet.ID{a, b} {
			if err := s.Add(fleet.Reading{ID: id, Time: fleet.Millis(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.spill(); err != nil {
		t.Fatal(err)
	}
	if r := s.cursor(b, 1).runs[0]; len(r.piece) != 30 || len(r.space) != int(30*pointBytes) {
		t.Errorf("a piece of %d points and %d bytes, want 30 points and 480 bytes", len(r.piece), len(r.space))
	}
}

// TestFilesAreRemoved checks that Close removes all files, also where a file keeps its
// name while it is open.
func TestFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := New(Options{Dir: dir})
	s.opt.Memory = 1000
	for i := range 5000 {
		if err := s.Add(fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: fleet.Millis(-i)}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Files() < 10 {
		t.Errorf("%d files, want at least 10", s.Files())
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files left after Close: %v, %v", left, err)
	}
	// On some systems an open file keeps its name, which close then removes.
	p, err := writePart(dir, [][]Point{{{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if !p.gone && runtime.GOOS == "linux" {
		t.Error("an open file has a name, so it would stay if the process were killed")
	}
	if p.gone {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("an open file has the name %v (%v)", left, err)
		}
		if err := os.WriteFile(p.file.Name(), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.gone = false
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files left after Close: %v, %v", left, err)
	}
	s = New(Options{Dir: dir + "/none"})
	s.opt.Memory = 1
	if err := s.Add(fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}}); err == nil {
		t.Error("Add wrote to a folder that does not exist, want an error")
	}
}
