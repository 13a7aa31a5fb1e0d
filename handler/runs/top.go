package runs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TopRequest asks which sensors and device models had the most anomalies.
type TopRequest struct {
	// The beginning of the span. It is a day before the end if it is left out, or an hour
	// before it if all runs of that day lie in that hour.
	From time.Time `query:"from" json:"-" example:"2026-03-01T00:00:00Z"`
	// The end of the span: at most a year after its beginning. It is the end of the last
	// window if it is left out.
	To time.Time `query:"to" json:"-" example:"2026-03-02T00:00:00Z"`
	// A pattern for devices, or for device/sensor, in which * stands for any text and ? for
	// one character, and [*], [?] and [[] for these characters. All match if it is left out.
	Sensors string `query:"sensors" json:"-" example:"plant1/*"`
	Sort    string `query:"sort" json:"-" enum:"anomalies,share" default:"anomalies"` // what is compared: the number of anomalies, or their share of the rows
	Limit   int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"`  // how many sensors a page has at most: 1 to 1000
}

// Top are the sensors and device models with the most anomalies in the runs whose
// windows meet a span of time, the worst first. Those without any are left out. Each job
// counts as a whole, also where its window reaches beyond the span. Of jobs of a sensor
// whose windows overlap, one counts: that with the longest window, and of equally long
// ones that of the run that was opened last. Jobs of a requested run do not count if a
// scheduled run covers any of its window.
type Top struct {
	From    time.Time `json:"from"`    // the beginning of the span
	To      time.Time `json:"to"`      // the end of the span
	Sensors []Ranked  `json:"sensors"` // the worst sensors and device models
	Total   int       `json:"total"`   // how many sensors and device models have anomalies, also those that are not listed
	// Beyond is whether a window of one of these runs reaches beyond the span.
	Beyond bool `json:"beyond,omitempty"`
}

// Ranked is a sensor or device model with what its jobs found.
type Ranked struct {
	fleet.ID
	Jobs      int     `json:"jobs"`      // how many of its jobs were scored
	Rows      int     `json:"rows"`      // how many rows they predicted
	Anomalies int     `json:"anomalies"` // how many of the rows are anomalies
	Share     float64 `json:"share"`     // anomalies divided by rows, from 0 to 1
}

// TopAnomalies returns the sensors and device models with the most anomalies.
func (a *API) TopAnomalies(ctx context.Context, req TopRequest) (Top, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return Top{}, err
	}
	if req.Sort != "" && req.Sort != "anomalies" && req.Sort != "share" {
		return Top{}, fmt.Errorf("%w: sort %.40q: it is anomalies or share", fleet.ErrInvalid, req.Sort)
	}
	match, err := glob(req.Sensors)
	if err != nil {
		return Top{}, err
	}
	w, err := a.span(ctx, req.From, req.To)
	if err != nil {
		return Top{}, err
	}
	runs, err := a.runsOf(ctx, w)
	if err != nil {
		return Top{}, err
	}
	sums, err := a.sumSubjects(ctx, runs, match)
	if err != nil {
		return Top{}, err
	}
	top := Top{From: w.From, To: w.To, Sensors: []Ranked{}}
	top.Beyond = slices.ContainsFunc(runs, func(r fleet.Run) bool { return reachesBeyond(r.Window, w) })
	for _, s := range sums {
		if s.Anomalies > 0 {
			top.Sensors = append(top.Sensors, Ranked{s.ID, s.Jobs, s.Rows, s.Anomalies, float64(s.Anomalies) / float64(max(s.Rows, 1))})
		}
	}
	slices.SortFunc(top.Sensors, func(x, y Ranked) int {
		byShare := 0
		if req.Sort == "share" {
			byShare = cmp.Compare(y.Share, x.Share)
		}
		return cmp.Or(byShare, cmp.Compare(y.Anomalies, x.Anomalies), fleet.CompareID(x.ID, y.ID))
	})
	top.Total = len(top.Sensors)
	top.Sensors = top.Sensors[:min(limit, top.Total)]
	return top, nil
}

// sumSubjects sums the scored jobs of runs by sensor or device model, of those that match. Of jobs
// whose windows overlap, it counts the one that goes before.
func (a *API) sumSubjects(ctx context.Context, runs []fleet.Run, match func(fleet.ID) bool) (map[fleet.ID]fleet.SubjectSum, error) {
	alone, rest := contested(runs)
	ids := make([]string, len(alone))
	for i, r := range alone {
		ids[i] = r.ID
	}
	all := map[fleet.ID]fleet.SubjectSum{}
	sums, err := a.Overview.SubjectSums(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, s := range sums {
		if match(s.ID) {
			all[s.ID] = s
		}
	}
	counted := map[fleet.ID]*times{}
	for _, r := range rest {
		if sums, err = a.Overview.SubjectSums(ctx, []string{r.ID}); err != nil {
			return nil, err
		}
		for _, s := range sums {
			if !match(s.ID) {
				continue
			}
			if counted[s.ID] == nil {
				counted[s.ID] = &times{}
			}
			if counted[s.ID].meets(r.Window) {
				continue
			}
			counted[s.ID].add(r.Window)
			sum := all[s.ID]
			all[s.ID] = fleet.SubjectSum{ID: s.ID, Jobs: sum.Jobs + s.Jobs, Rows: sum.Rows + s.Rows, Anomalies: sum.Anomalies + s.Anomalies}
		}
	}
	return all, nil
}
