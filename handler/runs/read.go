package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// The default and the greatest number of elements on a page.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Run is the scoring of all sensors and device models over a window of time.
type Run struct {
	ID    string         `json:"id"`    // the id, which is made of the window
	From  time.Time      `json:"from"`  // the beginning of the window
	To    time.Time      `json:"to"`    // the end of the window, which does not belong to it
	Kind  fleet.RunKind  `json:"kind"`  // what opened it
	State fleet.RunState `json:"state"` // whether it runs, or how it ended
	// Covered is whether it was requested, and a scheduled run covers a part of its window.
	// The lanes and charts leave it out then.
	Covered    bool           `json:"covered,omitempty"`
	Epoch      int            `json:"epoch"`                // how often closed jobs of it were changed
	Reason     fleet.Reason   `json:"reason"`               // why its present epoch began
	Settings   fleet.Settings `json:"settings"`             // the settings that shape its results
	OpenedAt   time.Time      `json:"opened_at"`            // when it was opened first
	ReopenedAt time.Time      `json:"reopened_at,omitzero"` // when it was opened last; left out if it was opened once
	EndedAt    time.Time      `json:"ended_at,omitzero"`    // when it ended; left out while it runs
	Sum        *RunSum        `json:"sum,omitempty"`        // what its jobs came to; left out while it runs
	Progress   *Progress      `json:"progress,omitempty"`   // how far it has come; left out in lists
	// OverBudget says in words which limit of the setting SCORE_MAX_FAILED its jobs exceed.
	// It is left out in lists, and if they exceed none.
	OverBudget string  `json:"over_budget,omitempty"`
	Epochs     []Epoch `json:"epochs,omitempty"` // its newest 100 epochs, the newest first; left out in lists
	// Manifest is the name of its manifest in the container preds. It is left out until
	// the run has ended.
	Manifest string `json:"manifest,omitempty"`
}

// Began returns when the run was opened last.
func (r Run) Began() time.Time {
	if !r.ReopenedAt.IsZero() {
		return r.ReopenedAt
	}
	return r.OpenedAt
}

// Epoch is a period of a run. It begins when the run is opened, or when closed jobs are changed.
type Epoch struct {
	Epoch    int          `json:"epoch"`     // its number; the first is 0
	Reason   fleet.Reason `json:"reason"`    // why it began
	OpenedAt time.Time    `json:"opened_at"` // when it began
	// EndedAt is when the run ended in this epoch. It is left out while the run is open, and
	// if the run was still open when the next epoch began.
	EndedAt time.Time `json:"ended_at,omitzero"`
	Jobs    int       `json:"jobs"` // how many jobs it opened or re-opened
}

// RunSum sums the jobs of a run that has ended.
type RunSum struct {
	Jobs      int `json:"jobs"`      // how many jobs it has
	Failed    int `json:"failed"`    // how many of them are bad_model, bad_data or failed
	Rows      int `json:"rows"`      // how many rows they predicted
	Anomalies int `json:"anomalies"` // how many of the rows are anomalies
}

// Progress is how far a run has come.
type Progress struct {
	Jobs   int          `json:"jobs"`   // how many jobs it has
	Closed int          `json:"closed"` // how many of the jobs are done
	Counts fleet.Counts `json:"counts"` // how many jobs are in each state; states without a job are left out
}

func newRun(r fleet.Run) Run {
	run := Run{
		ID:       r.ID,
		From:     r.Window.From,
		To:       r.Window.To,
		Kind:     r.Kind,
		State:    r.State,
		Covered:  r.Covered,
		Epoch:    r.Epoch,
		Reason:   r.Reason,
		Settings: r.Settings,
		OpenedAt: r.OpenedAt,
		EndedAt:  r.EndedAt,
	}
	if r.Opening.Epoch > 0 {
		run.ReopenedAt = r.Opening.At
	}
	if !r.State.Open() {
		run.Manifest = ledger.ManifestName(r.ID)
		sum := RunSum(r.Sum)
		run.Sum = &sum
	}
	return run
}

// ListRequest asks for runs.
type ListRequest struct {
	Before string `query:"before" json:"-" example:"20260301T060000Z-20260301T070000Z"` // the member "next" of the page before: only runs whose ids sort before it
	Limit  int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"`     // how many runs a page has at most: 1 to 1000
}

// RunList is a page of runs, the newest window first.
type RunList struct {
	Runs []Run `json:"runs"` // the runs of this page
	// The parameter "before" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
}

// List returns a page of runs.
func (a *API) List(ctx context.Context, req ListRequest) (RunList, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return RunList{}, err
	}
	if _, err := fleet.ParseRunID(req.Before); req.Before != "" && err != nil {
		return RunList{}, fmt.Errorf("before: %w", err)
	}
	runs, err := a.Ledger.Runs(ctx, req.Before, limit)
	if err != nil {
		return RunList{}, err
	}
	list := RunList{Runs: make([]Run, len(runs))}
	for i, r := range runs {
		list.Runs[i] = newRun(r)
	}
	if len(runs) == limit {
		list.Next = runs[limit-1].ID
	}
	return list, nil
}

// ShowRequest names a run.
type ShowRequest struct {
	ID string `path:"id" json:"-" example:"20260301T060000Z-20260301T070000Z"` // the id of the run
}

// Show returns a run with its progress.
func (a *API) Show(ctx context.Context, req ShowRequest) (Run, error) {
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return Run{}, err
	}
	return a.show(ctx, req.ID)
}

func (a *API) show(ctx context.Context, id string) (Run, error) {
	r, err := a.Ledger.Run(ctx, id)
	if err != nil {
		return Run{}, fmt.Errorf("run %s: %w", id, err)
	}
	counts, err := a.Ledger.Counts(ctx, id)
	if err != nil {
		return Run{}, fmt.Errorf("run %s: %w", id, err)
	}
	epochs, err := a.Ledger.Epochs(ctx, id, defaultLimit)
	if err != nil {
		return Run{}, fmt.Errorf("run %s: %w", id, err)
	}
	run := newRun(r)
	for _, e := range epochs {
		run.Epochs = append(run.Epochs, Epoch{e.Number, e.Reason, e.OpenedAt, e.EndedAt, e.Jobs})
	}
	jobs := counts.Total()
	run.OverBudget = r.Settings.OverBudget(counts)
	run.Progress = &Progress{jobs, jobs - counts[fleet.Queued], counts}
	return run, nil
}

func pageLimit(n int) (int, error) {
	switch {
	case n == 0:
		return defaultLimit, nil
	case n < 0 || n > maxLimit:
		return 0, fmt.Errorf("%w: limit %d lies outside 1 to %d", fleet.ErrInvalid, n, maxLimit)
	}
	return n, nil
}
