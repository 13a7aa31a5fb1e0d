package runs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Mark is a change: of a model, of predictions that were made again, or the end of readings.
type Mark struct {
	At   time.Time `json:"at"`                                 // where the first window with the change begins
	What string    `json:"what" enum:"model,rescored,no_data"` // another version of the model, jobs scored again, or no readings any more
	Text string    `json:"text"`                               // what changed, for people
}

// marks returns the changes from window to window. The jobs are in the order of their windows, the
// newest first.
func marks(jobs []fleet.Job, all []fleet.Run) []Mark {
	byID := make(map[string]fleet.Run, len(all))
	for _, r := range all {
		byID[r.ID] = r
	}
	type place struct {
		at   time.Time
		what string
		why  string
	}
	found := map[place][]string{} // the names of the subjects
	before := map[string]fleet.Job{}
	for _, j := range slices.Backward(jobs) {
		run, ok := byID[j.Run]
		if !ok {
			continue // it was deleted after the jobs were read
		}
		name := j.Name()
		add := func(what, why string) {
			p := place{run.Window.From, what, why}
			if !slices.Contains(found[p], name) {
				found[p] = append(found[p], name)
			}
		}
		last, known := before[name]
		if known && j.ModelSHA256 != "" && last.ModelSHA256 != "" && j.ModelSHA256 != last.ModelSHA256 {
			add("model", "scored by another version of the model")
		}
		if j.Revision > 0 {
			why := strings.ReplaceAll(string(run.Reason), "_", " ")
			add("rescored", fmt.Sprintf("scored again (%s)", why))
		}
		if j.State == fleet.NoData && (!known || last.State != fleet.NoData) {
			add("no_data", "no readings from here on")
		}
		if j.ModelSHA256 != "" || j.State == fleet.NoData {
			if j.ModelSHA256 == "" {
				j.ModelSHA256 = last.ModelSHA256 // a job without readings reads no model
			}
			before[name] = j
		}
	}
	list := make([]Mark, 0, len(found))
	for p, names := range found {
		slices.Sort(names)
		text := strings.Join(names[:min(len(names), 3)], ", ")
		if n := len(names) - 3; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
		list = append(list, Mark{p.at, p.what, text + ": " + p.why})
	}
	slices.SortFunc(list, func(a, b Mark) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What), cmp.Compare(a.Text, b.Text))
	})
	return list
}
