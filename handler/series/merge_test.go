package series

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestMerge merges up to eight series. Some begin at the same time, some are read in
// pieces, and some are empty.
func TestMerge(t *testing.T) {
	t.Parallel()
	for n := range 9 {
		var of []Next
		var want []Sample
		for i := range n {
			var points []Point
			for k := range i % 4 * 3 {
				points = append(points, Point{fleet.Millis(k * (1 + i%2)), float64(i)})
				want = append(want, Sample{points[k], i})
			}
			pieces := slices.Collect(slices.Chunk(points, 1+i%2))
			of = append(of, func() ([]Point, error) {
				if len(pieces) == 0 {
					return nil, nil
				}
				first := pieces[0]
				pieces = pieces[1:]
				return first, nil
			})
		}
		slices.SortStableFunc(want, func(a, b Sample) int { return int(a.Time - b.Time) })
		var got []Sample
		for s, err := range Merge(of) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d series: got\n%v, want\n%v", n, got, want)
		}
	}
}

// TestMergeFails checks that the points before an error are yielded first, and then the
// error.
func TestMergeFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for good := range 3 {
		left := good
		fails := func() ([]Point, error) {
			if left--; left < 0 {
				return nil, broken
			}
			return []Point{{fleet.Millis(10 * (good - left)), 1}}, nil
		}
		var got []string
		for s, err := range Merge([]Next{InMemory([]Point{{15, 2}}), fails}) {
			got = append(got, fmt.Sprint(s.Time.Time().UnixMilli(), err))
		}
		want := [][]string{{"0 broken"}, {"10 <nil>", "0 broken"}, {"10 <nil>", "15 <nil>", "20 <nil>", "0 broken"}}[good]
		if !slices.Equal(got, want) {
			t.Errorf("%d pieces before the error: got %v, want %v", good, got, want)
		}
	}
}
