package store

import (
	"fmt"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// plain writes moments as their milliseconds.
func plain(values []any) []any {
	all := make([]any, len(values))
	for i, v := range values {
		if ts, ok := v.(fleet.Millis); ok {
			v = int64(ts)
		}
		all[i] = v
	}
	return all
}

// TestNote checks that a reading at the very end of a run's window belongs to the next run.
// A reading that no run covers is marked for the first run that looks back to it, and
// counted.
func TestNote(t *testing.T) {
	t.Parallel()
	runs := []openedRun{{"a", 100, 200}, {"b", 200, 300}, {"c", 400, 500}}
	for _, c := range []struct {
		rows          []row
		marks, misses string
	}{
		{[]row{{key: 1, ts: 199}}, "[a 1 199]", "[]"},
		{[]row{{key: 1, ts: 200}}, "[b 1 200]", "[]"},
		{[]row{{key: 1, ts: 100}, {key: 1, ts: 150}, {key: 1, ts: 299}}, "[a 1 150 b 1 299]", "[]"},
		{[]row{{key: 1, ts: 50}, {key: 1, ts: 99}, {key: 1, ts: 100}}, "[a 1 100]", "[1 2 50 99]"},
		{[]row{{key: 1, ts: 300}, {key: 1, ts: 400}}, "[c 1 400]", "[1 1 300 300]"},
		{[]row{{key: 1, ts: 500}, {key: 2, ts: 450}}, "[c 2 450]", "[1 1 500 500]"},
	} {
		var n notes
		n.note(c.rows, runs)
		if got := fmt.Sprintf("%v", plain(n.marks.values)); got != c.marks {
			t.Errorf("%v: marks %s, want %s", c.rows, got, c.marks)
		}
		if got := fmt.Sprintf("%v", plain(n.misses.values)); got != c.misses {
			t.Errorf("%v: misses %s, want %s", c.rows, got, c.misses)
		}
	}
}
