package runs

import (
	"cmp"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// compareRuns orders runs whose windows overlap: the one that goes before the other comes first.
// It is the one with the longer window, so that the fewest rows are left out. Of equally long
// ones, it is the one that was opened last.
func compareRuns(a, b fleet.Run) int {
	length := func(r fleet.Run) time.Duration { return r.Window.To.Sub(r.Window.From) }
	return cmp.Or(cmp.Compare(length(b), length(a)), b.Opening.At.Compare(a.Opening.At), cmp.Compare(b.ID, a.ID))
}

// times is a set of times: windows in the order of time that do not overlap.
type times []fleet.Window

// search returns the range of the windows that overlap w.
func (t times) search(w fleet.Window) (first, end int) {
	first, _ = slices.BinarySearchFunc(t, w.From, func(x fleet.Window, from time.Time) int {
		if x.To.After(from) {
			return 1
		}
		return -1
	})
	for end = first; end < len(t) && t[end].From.Before(w.To); end++ {
	}
	return first, end
}

func (t times) meets(w fleet.Window) bool {
	first, end := t.search(w)
	return first < end
}

// add adds w, and returns the parts of it that were not in the set.
func (t *times) add(w fleet.Window) (added []fleet.Window) {
	first, end := t.search(w)
	all, at := w, w.From
	for _, x := range (*t)[first:end] {
		if at.Before(x.From) {
			added = append(added, fleet.Window{From: at, To: x.From})
		}
		at = x.To
		if x.From.Before(all.From) {
			all.From = x.From
		}
		if x.To.After(all.To) {
			all.To = x.To
		}
	}
	if at.Before(w.To) {
		added = append(added, fleet.Window{From: at, To: w.To})
	}
	*t = slices.Replace(*t, first, end, all)
	return added
}

// share is a scored job with what is shown and counted of it.
type share struct {
	fleet.Job
	window fleet.Window
	// parts are the times whose rows are shown: those of the window without those of the jobs
	// of the same sensor or device model that go before.
	parts []fleet.Window
	// counted is whether its rows are counted. That is so if its window overlaps that of no
	// counted job that goes before.
	counted bool
}

// hidden reports whether no row is shown.
func (s share) hidden() bool { return len(s.parts) == 0 }

// contains reports whether a row is shown.
func (s share) contains(t fleet.Millis) bool {
	return slices.ContainsFunc(s.parts, func(w fleet.Window) bool { return w.Contains(t) })
}

// shares returns the shares of the scored jobs, in the same order. It leaves out those of requested
// runs if a scheduled run covers a part of their window.
func shares(jobs []fleet.Job, runs []fleet.Run) []share {
	byID := make(map[string]fleet.Run, len(runs))
	for _, r := range runs {
		byID[r.ID] = r
	}
	var all []share
	for _, j := range jobs {
		if r, ok := byID[j.Run]; ok && !r.Covered && j.State == fleet.Scored {
			all = append(all, share{Job: j, window: r.Window})
		}
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareRuns(byID[all[a].Run], byID[all[b].Run]) })
	shown, counted := map[fleet.ID]*times{}, map[fleet.ID]*times{}
	for _, i := range order {
		s := &all[i]
		if shown[s.ID] == nil {
			shown[s.ID], counted[s.ID] = &times{}, &times{}
		}
		s.parts = shown[s.ID].add(s.window)
		if s.counted = !counted[s.ID].meets(s.window); s.counted {
			counted[s.ID].add(s.window)
		}
	}
	return all
}

// Counted counts the rows of the scored jobs of a sensor or device model. Each job counts as a
// whole. Of jobs whose windows overlap, one counts: that with the longest window, and of equally
// long ones that of the run that was opened last.
type Counted struct {
	Rows      int  `json:"rows"`             // how many rows its jobs predicted
	Anomalous int  `json:"anomalous"`        // how many of the rows are anomalies
	Beyond    bool `json:"beyond,omitempty"` // whether the window of one of these jobs reaches beyond the span
}

// count counts the rows of shares.
func count(all []share, span fleet.Window) (c Counted) {
	for _, s := range all {
		if s.counted {
			c.Rows += s.Rows
			c.Anomalous += s.Anomalies
			c.Beyond = c.Beyond || reachesBeyond(s.window, span)
		}
	}
	return c
}

// reachesBeyond reports whether a part of w lies outside a span.
func reachesBeyond(w, span fleet.Window) bool {
	return w.From.Before(span.From) || w.To.After(span.To)
}

// contested divides runs into those whose windows overlap those of no others, and the rest in the
// order of [compareRuns].
func contested(runs []fleet.Run) (alone, rest []fleet.Run) {
	sorted := slices.Clone(runs)
	slices.SortFunc(sorted, func(a, b fleet.Run) int { return a.Window.From.Compare(b.Window.From) })
	var end time.Time // of the windows so far
	for i, r := range sorted {
		if r.Window.From.Before(end) || i+1 < len(sorted) && sorted[i+1].Window.From.Before(r.Window.To) {
			rest = append(rest, r)
		} else {
			alone = append(alone, r)
		}
		if r.Window.To.After(end) {
			end = r.Window.To
		}
	}
	slices.SortFunc(rest, compareRuns)
	return alone, rest
}

// before returns the runs that go before r, and whose windows overlap that of r.
func before(r fleet.Run, runs []fleet.Run) []fleet.Run {
	var all []fleet.Run
	for _, other := range runs {
		if other.ID != r.ID && other.Window.From.Before(r.Window.To) && r.Window.From.Before(other.Window.To) && compareRuns(other, r) < 0 {
			all = append(all, other)
		}
	}
	return all
}
