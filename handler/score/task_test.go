package score

import (
	"errors"
	"testing"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// TestEachPanics: a panic is the error of its own task, and the others go on.
func TestEachPanics(t *testing.T) {
	t.Parallel()
	tasks := []*task{{}, {}, {}}
	each(tasks, func(t *task) {
		if t == tasks[1] {
			panic("middle")
		}
		t.inspected = true
	})
	var p *spawn.Panic
	if !errors.As(tasks[1].err, &p) || tasks[0].err != nil || tasks[2].err != nil || !tasks[0].inspected || !tasks[2].inspected {
		t.Errorf("got %v, %v, %v, want a panic in the middle alone", tasks[0].err, tasks[1].err, tasks[2].err)
	}
}
