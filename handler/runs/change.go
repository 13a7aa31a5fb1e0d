package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// OpenRequest asks for a run over the window from a time up to, but without, another.
type OpenRequest struct {
	From time.Time `json:"from" example:"2026-03-01T06:00:00Z"` // the beginning of the window, in whole seconds
	To   time.Time `json:"to" example:"2026-03-01T07:00:00Z"`   // the end of the window, in whole seconds; it is past
	// Sensors is a pattern for devices, or for device/sensor, in which * stands for any
	// text and ? for one character. A new run has jobs of what matches. All match if it
	// is left out.
	Sensors string `json:"sensors,omitempty" example:"plant1/*"`
}

// Opened is the run over a window that was asked for.
type Opened struct {
	Run
	Result OpenResult `json:"result"` // whether the run is new
}

// OpenResult is what became of the request for a run.
type OpenResult string

// What may become of the request for a run.
const (
	NewRun   OpenResult = "opened" // the run is new
	FoundRun OpenResult = "found"  // there was such a run, and it is open
	EndedRun OpenResult = "ended"  // there was such a run, and it has ended
)

// Request opens the run over a past window, with a job for each enabled sensor and
// device model that matches. Its messages are sent afterwards. The same window is the
// same run: if there is such a run, it is returned as it stands, and [API.Rescore]
// scores it again. The error wraps [fleet.ErrConflict] if the window is not over yet,
// its readings are deleted, or its run is being cancelled.
func (a *API) Request(ctx context.Context, req OpenRequest) (Opened, error) {
	w, err := fleet.NewWindow(req.From, req.To)
	if err != nil {
		return Opened{}, err
	}
	match, err := glob(req.Sensors)
	if err != nil {
		return Opened{}, err
	}
	now := a.Now()
	if w.To.After(now) {
		return Opened{}, fmt.Errorf("%w: the window ends at %s, which is still to come (it is %s): its readings cannot be complete",
			fleet.ErrConflict, w.To.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if err := a.kept(ctx, w, now); err != nil {
		return Opened{}, err
	}
	a.register(ctx)
	run, created, err := a.Ledger.OpenRequested(ctx, w, match, a.Settings, now)
	if err != nil {
		return Opened{}, fmt.Errorf("request run %s: %w", w.RunID(), err)
	}
	result := FoundRun
	switch {
	case created:
		result = NewRun
	case run.State == fleet.RunCancelling:
		return Opened{}, cancelling(run.ID)
	case !run.State.Open():
		result = EndedRun
	}
	shown, err := a.advance(ctx, run.ID)
	return Opened{shown, result}, err
}

// kept reports, as an error wrapping [fleet.ErrConflict], that readings of the
// window are deleted, or soon will be, and there is no run over it.
func (a *API) kept(ctx context.Context, w fleet.Window, now time.Time) error {
	if a.Retention == 0 || !w.From.Before(now.Add(-a.Retention)) {
		return nil
	}
	_, err := a.Ledger.Run(ctx, w.RunID())
	if errors.Is(err, fleet.ErrNotFound) {
		return fmt.Errorf("%w: the window begins at %s, and readings are deleted after %d days: set SCORE_RETENTION_DAYS higher, and send the readings again",
			fleet.ErrConflict, w.From.Format(time.RFC3339), days(a.Retention))
	}
	return err
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

func cancelling(id string) error {
	return fmt.Errorf("%w: run %s is being cancelled: wait until it has ended, then rescore it", fleet.ErrConflict, id)
}

// RescoreRequest says which jobs of a run are to be scored again.
type RescoreRequest struct {
	ID string `path:"id" json:"-" example:"20260301T060000Z-20260301T070000Z"` // the id of the run
	// Sensors is a pattern for devices, or for device/sensor, in which * stands for any
	// text and ? for one character. All match if it is left out.
	Sensors string `json:"sensors,omitempty" example:"plant1/*"`
	// States are those in which a job is scored again. A job in any state is, if none is
	// named.
	States []fleet.JobState `json:"states,omitempty"`
	// Settings may be "current": the settings of the application replace the run's, and
	// all jobs are scored again, whatever their sensors and states. The run's settings
	// stay if it is left out.
	Settings string `json:"settings,omitempty" enum:"current"`
}

// Rescored is a run of which jobs are scored again.
type Rescored struct {
	Run      Run `json:"run"`      // the run after the change
	Reopened int `json:"reopened"` // how many jobs will be scored again
	Added    int `json:"added"`    // how many jobs are new: those of enabled sensors that match and had none
}

// Rescore re-opens jobs of a run, to be scored under the models as they are
// now, and sends their messages. The error wraps [fleet.ErrConflict] if the run
// is being cancelled, or so old that its predictions are deleted.
func (a *API) Rescore(ctx context.Context, req RescoreRequest) (Rescored, error) {
	match, err := glob(req.Sensors)
	if err != nil {
		return Rescored{}, err
	}
	if err := validStates(req.States...); err != nil {
		return Rescored{}, err
	}
	var settings *fleet.Settings
	switch req.Settings {
	case "":
	case "current":
		settings = &a.Settings
	default:
		return Rescored{}, fmt.Errorf("%w: settings %.80q: leave it out to keep the run's, or say \"current\"", fleet.ErrInvalid, req.Settings)
	}
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return Rescored{}, err
	}
	run, err := a.Ledger.Run(ctx, req.ID)
	if err != nil {
		return Rescored{}, fmt.Errorf("run %s: %w", req.ID, err)
	}
	if run.State == fleet.RunCancelling {
		return Rescored{}, cancelling(run.ID)
	}
	if run.OpenedAt.Before(fleet.Reopenable(a.Now(), a.Retention)) {
		return Rescored{}, fmt.Errorf("%w: run %s was opened on %s, and its predictions are deleted after %d days (SCORE_RETENTION_DAYS): it cannot be scored again",
			fleet.ErrConflict, run.ID, run.OpenedAt.Format(time.DateOnly), days(a.Retention))
	}
	a.register(ctx)
	var r Rescored
	if r.Reopened, r.Added, err = a.Ledger.Rescore(ctx, req.ID, match, req.States, settings, a.Now()); err != nil {
		return Rescored{}, fmt.Errorf("rescore run %s: %w", req.ID, err)
	}
	r.Run, err = a.advance(ctx, req.ID)
	return r, err
}

// maxGlob is the longest pattern, in bytes: two names and the slash between.
const maxGlob = 2*4*fleet.MaxName + 1

// glob returns the test for a pattern over devices, and over device/sensor.
func glob(pattern string) (func(fleet.ID) bool, error) {
	if len(pattern) > maxGlob {
		return nil, fmt.Errorf("%w: sensors %.80q... is longer than %d bytes", fleet.ErrInvalid, pattern, maxGlob)
	}
	if pattern == "" {
		return func(fleet.ID) bool { return true }, nil
	}
	patterns := []string{pattern}
	return func(id fleet.ID) bool {
		return fleet.Match(patterns, id.Device) || fleet.Match(patterns, id.Device+"/"+id.Name())
	}, nil
}

// Cancel cancels a run: its queued jobs are closed as cancelled, and it ends as
// cancelled. The error wraps [fleet.ErrConflict] if it has ended.
func (a *API) Cancel(ctx context.Context, req ShowRequest) (Run, error) {
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return Run{}, err
	}
	if err := a.Ledger.Cancel(ctx, req.ID, a.Now()); err != nil {
		return Run{}, fmt.Errorf("cancel run %s: %w", req.ID, err)
	}
	return a.advance(ctx, req.ID)
}
