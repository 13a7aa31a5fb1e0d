package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// The number of runs or jobs on a page, unless asked otherwise, and at most.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Run is a run as the API shows it.
type Run struct {
	ID    string         `json:"id"`
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	Kind  fleet.RunKind  `json:"kind"`
	State fleet.RunState `json:"state"`
	// Covered says that it was requested, and that a scheduled run judges some of its
	// time: the lanes and charts leave it out.
	Covered  bool           `json:"covered,omitempty"`
	Epoch    int            `json:"epoch"`
	Reason   fleet.Reason   `json:"reason"` // why that epoch began
	Settings fleet.Settings `json:"settings"`
	OpenedAt time.Time      `json:"opened_at"`
	// ReopenedAt is when it was opened last, if it was opened more than once.
	ReopenedAt time.Time `json:"reopened_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	// Progress and Epochs are absent in lists. Epochs has the newest 100, the
	// newest first.
	Progress *Progress `json:"progress,omitempty"`
	// OverBudget says which limit of SCORE_MAX_FAILED its jobs exceed; only in a run
	// by itself, not in lists.
	OverBudget string  `json:"over_budget,omitempty"`
	Epochs     []Epoch `json:"epochs,omitempty"`
	// Manifest is the name of its manifest in the container preds; only once
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

// Epoch is a stretch of a run's life that began when the run was opened, or
// when closed jobs were changed.
type Epoch struct {
	Epoch    int          `json:"epoch"`
	Reason   fleet.Reason `json:"reason"`
	OpenedAt time.Time    `json:"opened_at"`
	// EndedAt is absent where the run has not ended in it: where it is open, and
	// where it was open when the next epoch began.
	EndedAt time.Time `json:"ended_at,omitzero"`
	Jobs    int       `json:"jobs"` // that it opened or re-opened
}

// Progress is how far a run has come.
type Progress struct {
	Jobs   int          `json:"jobs"`
	Closed int          `json:"closed"`
	Counts fleet.Counts `json:"counts"` // by state; states without a job are left out
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
	}
	return run
}

// ListRequest asks for runs.
type ListRequest struct {
	Before string `query:"before" json:"-"` // only runs whose ids sort before it; all if empty
	Limit  int    `query:"limit" json:"-"`  // 1 to 1000, 100 if zero
}

// RunList is a page of runs, the newest window first.
type RunList struct {
	Runs []Run  `json:"runs"`
	Next string `json:"next,omitempty"` // what Before is to be for the next page
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
	ID string `path:"id" json:"-"`
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
