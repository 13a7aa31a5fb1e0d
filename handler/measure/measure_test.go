package measure

import (
	"fmt"
	"testing"
	"time"
)

// recorder records the errors of a test.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

var sink []byte

// TestBounded checks that too much CPU time and too much memory are reported.
func TestBounded(t *testing.T) {
	allocate := func() { sink = make([]byte, 1<<20) }
	spin := func() {
		for begin := CPU(); CPU()-begin < 50*time.Millisecond; {
		}
	}
	for _, c := range []struct {
		name  string
		limit time.Duration
		bytes int
		f     func()
		want  int // errors
	}{
		{"nothing", time.Minute, 1 << 20, func() {}, 0},
		{"memory within its bound", time.Minute, 2 << 20, allocate, 0},
		{"too much memory", time.Minute, 1<<20 - 1, allocate, 1},
		{"time within its bound", time.Minute, 1 << 20, spin, 0},
		{"too much time", 49 * time.Millisecond, 1 << 20, spin, 1},
		{"too much of both", 49 * time.Millisecond, 1<<20 - 1, func() { spin(); allocate() }, 2},
	} {
		r := &recorder{TB: t}
		if bounded(r, c.limit, c.bytes, c.f); len(r.errors) != c.want {
			t.Errorf("%s: got errors %q, want %d", c.name, r.errors, c.want)
		}
	}
}
