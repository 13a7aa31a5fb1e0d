package sklearn_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// TestLoadsShareNothing checks that models do not share the memory that loads reuse. A
// model stays the same while other models and damaged files are loaded, and after its file
// is overwritten.
func TestLoadsShareNothing(t *testing.T) {
	t.Parallel()
	all := readGoldens(t, allModels)
	names := slices.Sorted(maps.Keys(all))
	rows := make(map[string][]float64)
	for name, g := range all {
		rows[name] = floats(t, g.X)
	}
	type loaded struct {
		model *sklearn.Model
		was   string // everything(model), just after the load
	}
	const loaders = 4
	var models [loaders]map[string]loaded
	var done sync.WaitGroup
	for i := range models {
		models[i] = make(map[string]loaded)
		done.Go(func() {
			for j := range names {
				name := names[(j+i*len(names)/loaders)%len(names)]
				file := slices.Clone(all[name].File)
				m, err := sklearn.Load(file)
				if err != nil {
					t.Error(name, err)
					return
				}
				models[i][name] = loaded{m, everything(m, rows[name])}
				sklearn.Load(file[:len(file)/2])
				for k := range file {
					file[k] = 0xa5
				}
			}
		})
	}
	done.Wait()
	if t.Failed() {
		return
	}
	for _, name := range names {
		want := models[0][name].was
		for _, by := range models {
			if m := by[name]; m.was != want {
				t.Errorf("%s: loaded beside others, it is\n%s\nand\n%s", name, m.was, want)
			} else if is := everything(m.model, rows[name]); is != want {
				t.Errorf("%s: after other loads, it is\n%s\nand was\n%s", name, is, want)
			}
		}
	}
}

// everything returns a model's description and, bit by bit, its scores of the rows
// of x.
func everything(m *sklearn.Model, x []float64) string {
	var r predict.Result
	err := m.Predict(&r, x)
	return fmt.Sprintf("%+v %x %v", m.Describe(), r, err)
}
