package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// runsView is a page of runs with a timeline. It has a bar for each run, at the time of its
// window. The height of the bar is the time that the run took.
type runsView struct {
	runs.RunList
	axis
	Bars    []runBar
	Longest string
	Live    bool // one of them is open
}

type runBar struct {
	X, W, Y, H float64
	Run        string
	Class      string
	Text       string
}

const timelineHeight = 60

func newRunsView(l runs.RunList) runsView {
	v := runsView{RunList: l}
	if len(l.Runs) == 0 {
		return v
	}
	from, to := l.Runs[0].From, l.Runs[0].To
	longest := 0.0
	seconds := func(r runs.Run) float64 {
		if r.EndedAt.IsZero() {
			return 0
		}
		return max(r.EndedAt.Sub(r.Began()).Seconds(), 0)
	}
	for _, r := range l.Runs {
		if r.From.Before(from) {
			from = r.From
		}
		if r.To.After(to) {
			to = r.To
		}
		longest = max(longest, seconds(r))
		v.Live = v.Live || r.State.Open()
	}
	v.axis = newAxis(from, to)
	v.Longest = length(from, from.Add(durationOf(longest)))
	for _, r := range l.Runs {
		height := float64(timelineHeight)
		class := "run-" + string(r.State)
		text := fmt.Sprintf("%s to %s: %s", moment(r.From), moment(r.To), r.State)
		if !r.State.Open() {
			height = max(6, math.Round(timelineHeight*seconds(r)/max(longest, 1e-9)))
			text += ", took " + length(r.OpenedAt, r.OpenedAt.Add(durationOf(seconds(r))))
		}
		x := v.percent(r.From)
		v.Bars = append(v.Bars, runBar{x, max(round(v.percent(r.To)-x, 1000), .2), timelineHeight - height, height, r.ID, class, text})
	}
	return v
}

// runView is a run with the jobs that are shown first.
type runView struct {
	runs.Run
	Segments []segment
	Mends    string // the jobs that a rescore may mend
}

// segment is a part of the bar that shows the outcomes.
type segment struct {
	X, W  float64
	State fleet.JobState
	Text  string
}

func newRunView(r runs.Run) runView {
	v := runView{Run: r}
	if r.Progress == nil || r.Progress.Jobs == 0 {
		return v
	}
	at, failed := 0.0, 0
	for _, s := range fleet.JobStates {
		n := r.Progress.Counts[s]
		if n == 0 {
			continue
		}
		w := float64(n) / float64(r.Progress.Jobs) * 100
		v.Segments = append(v.Segments, segment{round(at, 1000), round(w, 1000), s, fmt.Sprintf("%s: %s jobs (%s)", s, count(n), percent(w/100))})
		at += w
		switch s {
		case fleet.BadModel, fleet.BadData, fleet.Failed:
			failed += n
		}
	}
	var mends []string
	if failed > 0 {
		mends = append(mends, fmt.Sprintf("the %s that failed", count(failed)))
	}
	if n := r.Progress.Counts[fleet.NoModel]; n > 0 {
		mends = append(mends, fmt.Sprintf("the %s without a model", count(n)))
	}
	v.Mends = strings.Join(mends, " and ")
	return v
}
