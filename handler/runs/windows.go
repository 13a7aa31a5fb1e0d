package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// WindowsRequest asks for the windows of the schedule in a span of time.
type WindowsRequest struct {
	From  time.Time `query:"from" json:"-" required:"true" example:"2026-03-01T00:00:00Z"` // the beginning of the span: a window begins then or later
	To    time.Time `query:"to" json:"-" required:"true" example:"2026-03-02T00:00:00Z"`   // the end of the span: a window ends then or earlier
	Limit int       `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"`      // how many windows a page has at most: 1 to 1000
}

// WindowList is a page of windows, the oldest first.
type WindowList struct {
	Windows []Window `json:"windows"` // the windows of this page
	// The parameter "from" of the next page. It is left out on the last page.
	Next time.Time `json:"next,omitzero"`
}

// Window is a window of the schedule as it is now.
type Window struct {
	Run    string       `json:"run"`    // the id of the run over it, even if there is none yet
	From   time.Time    `json:"from"`   // the beginning of the window
	To     time.Time    `json:"to"`     // the end of the window
	Due    time.Time    `json:"due"`    // when it is scored
	Status WindowStatus `json:"status"` // whether there is a run over it
}

// WindowStatus says whether a window has a run, and if not, why.
type WindowStatus string

// The values of a window's status.
const (
	WindowHasRun  WindowStatus = "run"     // there is a run over it
	WindowCovered WindowStatus = "covered" // scheduled runs over other windows, of an earlier schedule, meet it
	WindowToCome  WindowStatus = "to_come" // the schedule has not opened it yet, and will
	WindowExpired WindowStatus = "expired" // its readings are deleted
	WindowMissing WindowStatus = "missing" // it has no run, and gets one only if it is requested
)

// Windows returns a page of the windows of the schedule in a span.
func (a *API) Windows(ctx context.Context, req WindowsRequest) (WindowList, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return WindowList{}, err
	}
	if req.From.IsZero() || req.To.IsZero() {
		return WindowList{}, fmt.Errorf("%w: from and to say which windows, such as from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z", fleet.ErrInvalid)
	}
	span, err := a.span(ctx, req.From, req.To)
	if err != nil {
		return WindowList{}, err
	}
	list := WindowList{Windows: []Window{}}
	from := span.From
	if !a.Schedule.Last(from).Equal(from) {
		from = a.Schedule.Next(from)
	}
	for !from.IsZero() {
		to := a.Schedule.Next(from)
		if to.IsZero() || to.After(span.To) {
			break
		}
		if len(list.Windows) == limit {
			list.Next = from
			break
		}
		w, err := fleet.NewWindow(from, to)
		if err != nil {
			return WindowList{}, err
		}
		list.Windows = append(list.Windows, Window{Run: w.RunID(), From: w.From, To: w.To, Due: w.To.Add(a.Delay)})
		from = to
	}
	if len(list.Windows) == 0 {
		return list, nil
	}
	return list, a.setStatus(ctx, list.Windows)
}

// setStatus sets the status of windows that follow one another.
func (a *API) setStatus(ctx context.Context, windows []Window) error {
	upto, begun, err := a.Overview.Watermark(ctx)
	if err != nil {
		return err
	}
	now := a.Now()
	if !begun {
		upto = a.Schedule.Last(now) // the first tick will set it to this
	}
	span := fleet.Window{From: windows[0].From, To: windows[len(windows)-1].To}
	runs, err := a.Overview.RunsWithin(ctx, span, mostRuns)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	var scheduled []fleet.Window // the newest first; they do not overlap
	for _, r := range runs {
		there[r.ID] = true
		if r.Kind == fleet.Scheduled {
			scheduled = append(scheduled, r.Window)
		}
	}
	for i := range windows {
		w := &windows[i]
		for len(scheduled) > 0 && !scheduled[len(scheduled)-1].To.After(w.From) {
			scheduled = scheduled[:len(scheduled)-1]
		}
		switch {
		case there[w.Run]:
			w.Status = WindowHasRun
		case len(scheduled) > 0 && scheduled[len(scheduled)-1].From.Before(w.To):
			w.Status = WindowCovered
		case w.To.After(upto) || w.To.After(now):
			w.Status = WindowToCome
		case a.Retention > 0 && w.From.Before(now.Add(-a.Retention)):
			w.Status = WindowExpired
		default:
			w.Status = WindowMissing
		}
	}
	return nil
}
