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

// oracle sorts readings as a database would hold them: the first of each sensor and
// time stays.
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
				t.Fatalf("seed %d: from %v to %v, want %v to %v", seed, from, to, first, last)
			}
		}
		if s.Len() != len(all) || !slices.IsSortedFunc(s.IDs(), fleet.CompareID) || len(s.IDs()) != len(want) {
			t.Fatalf("seed %d: %d readings of %v", seed, s.Len(), s.IDs())
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
				t.Fatalf("seed %d: sample %d is %v, %v; want %v", seed, i, got, err, merged[i])
			}
			i++
		}
		if i != len(merged) {
			t.Fatalf("seed %d: %d samples, want %d", seed, i, len(merged))
		}
	}
	if files < 250 {
		t.Errorf("only %d files were written in all", files)
	}
}

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
					return fmt.Errorf("%v differs", id)
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	s := fill(t, 1<<20, nil)
	for range s.Points(fleet.ID{Device: "d", Sensor: "s"}, 1) {
		t.Error("a sensor without readings has points")
	}
	for range s.Samples(nil, 1) {
		t.Error("no sensors have samples")
	}
	if s.Len() != 0 || s.Files() != 0 {
		t.Errorf("%d readings, %d files", s.Len(), s.Files())
	}
	zero := fill(t, 1, []fleet.Reading{{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: 5, Value: math.Copysign(0, -1)}})
	for p, err := range zero.Points(fleet.ID{Device: "d", Sensor: "s"}, 1) {
		if err != nil || len(p) != 1 || 1/p[0].Value < 0 {
			t.Errorf("-0 is read as %v, %v", p, err)
		}
	}
	if from, to := zero.Span(); from != 5 || to != 5 || zero.Files() != 1 {
		t.Errorf("from %v to %v in %d files", from, to, zero.Files())
	}
}

// TestManySensors: the points of each are sorted, however many there are.
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
				t.Fatalf("%v has points at %v", id, got)
			}
		}
	}
}

// What stands on disk is bounded reads, and is gone when the set is closed.
func TestFilesGo(t *testing.T) {
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
		t.Errorf("%d files", s.Files())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	// Where a file has a name while it is open, the name goes with it.
	p, err := writePart(dir, [][]Point{{{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if !p.gone && runtime.GOOS == "linux" {
		t.Error("a file has a name while it is open: it stays if the process is killed")
	}
	if p.gone {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("the file has a name: %v, %v", left, err)
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
		t.Errorf("left: %v, %v", left, err)
	}
	s = New(Options{Dir: dir + "/none"})
	s.opt.Memory = 1
	if err := s.Add(fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}}); err == nil {
		t.Error("a set without a folder writes")
	}
}
